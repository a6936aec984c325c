# A monthly budget, and alarms on sudden costs.
resource "aws_budgets_budget" "monthly" {
  count = var.monthly_budget == null ? 0 : 1

  name         = "ChromaDB-StreamIntegration-${var.environment}"
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_amount = format("%.1f", var.monthly_budget)
  limit_unit   = "USD"

  # The names of the services on a bill
  cost_filter {
    name = "Service"
    values = [
      "AWS Key Management Service",
      "AWS Lambda",
      "Amazon DynamoDB",
      "Amazon Simple Queue Service",
      "Amazon Simple Storage Service",
      "AmazonCloudWatch",
    ]
  }

  dynamic "notification" {
    for_each = { ACTUAL = 80, FORECASTED = 100 } # per cent
    content {
      notification_type          = notification.key
      comparison_operator        = "GREATER_THAN"
      threshold                  = notification.value
      threshold_type             = "PERCENTAGE"
      subscriber_sns_topic_arns  = [aws_sns_topic.alarms.arn]
      subscriber_email_addresses = []
    }
  }

  depends_on = [aws_sns_topic_policy.alarms] # creating the budget tries to publish to the topic
}

locals {
  watches_anomalies = var.cost_anomaly_dollars != null
}

resource "aws_ce_anomaly_monitor" "services" {
  count = local.watches_anomalies && var.cost_anomaly_monitor_arn == null ? 1 : 0

  name              = "ChromaDB-${var.environment}"
  monitor_type      = "DIMENSIONAL"
  monitor_dimension = "SERVICE"
}

resource "aws_ce_anomaly_subscription" "alarms" {
  count = local.watches_anomalies ? 1 : 0

  name             = "ChromaDB-${var.environment}"
  frequency        = "IMMEDIATE" # the only frequency that a topic accepts
  monitor_arn_list = [coalesce(var.cost_anomaly_monitor_arn, one(aws_ce_anomaly_monitor.services[*].arn))]

  subscriber {
    type    = "SNS"
    address = aws_sns_topic.alarms.arn
  }

  threshold_expression {
    dimension {
      key           = "ANOMALY_TOTAL_IMPACT_ABSOLUTE"
      match_options = ["GREATER_THAN_OR_EQUAL"]
      values        = [tostring(var.cost_anomaly_dollars)]
    }
  }

  depends_on = [aws_sns_topic_policy.alarms]
}
