# Each sum of variables.tf at its limit: the last values that fit, and the first that do not.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment              = "test"
  stream_processor_timeout = 30
  compactor_timeout        = 30
  lease_seconds            = 29
  heartbeat_seconds        = 14
  visibility_timeout       = 180
  max_receive_count        = 5
  queue_retention_days     = 4
  dlq_retention_days       = 5
  delta_retention_days     = 6
}

run "times_that_just_fit" {
  command = plan

  assert {
    condition     = aws_sqs_queue.compaction.visibility_timeout_seconds == 6 * var.compactor_timeout
    error_message = "The queue's visibility timeout is the one that was checked."
  }

  assert {
    condition     = aws_sqs_queue.compaction.message_retention_seconds == 345600
    error_message = "The queue's retention is the one that was checked."
  }
}

run "visibility_below_six_times_the_functions_timeout" {
  command = plan
  variables {
    visibility_timeout = 179
  }
  expect_failures = [var.visibility_timeout]
}

run "visibility_beyond_what_sqs_takes" {
  command = plan
  variables {
    visibility_timeout = 43201
  }
  expect_failures = [var.visibility_timeout]
}

run "messages_that_expire_before_their_last_receive" {
  command = plan
  variables {
    visibility_timeout = 43200
    max_receive_count  = 8 # × 12 h = 4 days
  }
  expect_failures = [var.queue_retention_days]
}

run "messages_that_just_reach_the_dead_letter_queue" {
  command = plan
  variables {
    visibility_timeout = 43199
    max_receive_count  = 8
  }
}

run "dead_letters_that_expire_on_arrival" {
  command = plan
  variables {
    dlq_retention_days = 4
  }
  expect_failures = [var.dlq_retention_days]
}

run "deltas_that_expire_before_their_messages" {
  command = plan
  variables {
    delta_retention_days = 5
  }
  expect_failures = [var.delta_retention_days]
}

run "a_lease_of_two_heartbeats" {
  command = plan
  variables {
    lease_seconds     = 28
    heartbeat_seconds = 14
  }
  expect_failures = [var.lease_seconds]
}

run "a_function_that_cannot_outwait_a_lease" {
  command = plan
  variables {
    lease_seconds = 30
  }
  expect_failures = [var.compactor_timeout]
}

run "a_function_that_lambda_would_refuse" {
  command = plan
  variables {
    stream_processor_timeout = 901
  }
  expect_failures = [var.stream_processor_timeout]
}

run "functions_get_the_numbers_that_were_checked" {
  command = plan

  assert {
    condition = {
      for name in ["stream-processor-timeout", "compactor-timeout", "lease-seconds", "heartbeat-seconds"] :
      name => aws_ssm_parameter.handed_over[name].value
      } == {
      stream-processor-timeout = "30"
      compactor-timeout        = "30"
      lease-seconds            = "29"
      heartbeat-seconds        = "14"
    }
    error_message = "SAM reads other times than those that were checked."
  }
}
