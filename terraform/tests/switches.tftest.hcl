# The switches: deletion protection, subscriptions, the budget, and cost anomaly detection.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment = "test"
}

run "protected_by_default" {
  command = plan

  assert {
    condition     = aws_dynamodb_table.receipts.deletion_protection_enabled && !aws_s3_bucket.snapshots.force_destroy
    error_message = "Data is not deleted with its environment."
  }

  assert {
    condition     = aws_dynamodb_table.receipts.stream_view_type == "NEW_AND_OLD_IMAGES"
    error_message = "A change is seen by comparing both images."
  }

  assert {
    condition     = length(aws_sns_topic_subscription.email) == 0 && length(aws_sns_topic_subscription.pagerduty) == 0
    error_message = "Without an address there is no subscription."
  }

  assert {
    condition     = length(aws_budgets_budget.monthly) == 1 && length(aws_ce_anomaly_subscription.alarms) == 1
    error_message = "Costs are watched by default."
  }
}

run "unprotected" {
  command = plan
  variables {
    deletion_protection = false
  }

  assert {
    condition     = !aws_dynamodb_table.receipts.deletion_protection_enabled && aws_s3_bucket.snapshots.force_destroy
    error_message = "An environment for trying can be deleted whole."
  }
}

run "subscriptions" {
  command = plan
  variables {
    alarm_emails       = ["one@example.com", "two@example.com"]
    pagerduty_endpoint = "https://events.pagerduty.com/integration/0123/enqueue"
  }

  assert {
    condition     = toset(values(aws_sns_topic_subscription.email)[*].endpoint) == toset(["one@example.com", "two@example.com"])
    error_message = "Every named address has a subscription."
  }

  assert {
    condition     = aws_sns_topic_subscription.pagerduty[0].protocol == "https" && aws_sns_topic_subscription.pagerduty[0].endpoint_auto_confirms
    error_message = "PagerDuty confirms by itself."
  }
}

run "an_address_that_is_none" {
  command = plan
  variables {
    alarm_emails = ["no-address"]
  }
  expect_failures = [var.alarm_emails]
}

run "an_endpoint_without_tls" {
  command = plan
  variables {
    pagerduty_endpoint = "http://events.pagerduty.com/integration/0123/enqueue"
  }
  expect_failures = [var.pagerduty_endpoint]
}

run "no_budget_and_no_watch" {
  command = plan
  variables {
    monthly_budget       = null
    cost_anomaly_dollars = null
  }

  assert {
    condition     = length(aws_budgets_budget.monthly) == 0
    error_message = "null is no budget."
  }

  assert {
    condition     = length(aws_ce_anomaly_monitor.services) == 0 && length(aws_ce_anomaly_subscription.alarms) == 0
    error_message = "null is no watch."
  }
}

run "the_accounts_own_monitor" {
  command = plan
  variables {
    cost_anomaly_monitor_arn = "arn:aws:ce::111122223333:anomalymonitor/11111111-1111-1111-1111-111111111111"
  }

  assert {
    condition     = length(aws_ce_anomaly_monitor.services) == 0
    error_message = "AWS refuses a second one."
  }

  assert {
    condition     = aws_ce_anomaly_subscription.alarms[0].monitor_arn_list == tolist([var.cost_anomaly_monitor_arn])
    error_message = "The monitor that is there is subscribed to."
  }
}

run "an_environment_with_a_bad_name" {
  command = plan
  variables {
    environment = "Prod_1"
  }
  expect_failures = [var.environment]
}

run "a_bucket_by_another_name" {
  command = plan
  variables {
    bucket_name = "receipt-chroma-111122223333"
  }

  assert {
    condition     = aws_s3_bucket.snapshots.bucket == "receipt-chroma-111122223333" && aws_ssm_parameter.handed_over["bucket"].name == "/receipt-sync/test/bucket"
    error_message = "Bucket names are taken by others."
  }

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.snapshots.policy).Statement[0].Resource[0] == "arn:aws:s3:::receipt-chroma-111122223333"
    error_message = "The policy follows the name."
  }
}
