# The list of alarms. Each has a metric, a topic, and a treatment of missing data.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment = "test"
}

run "each_fault_has_its_alarm" {
  command = plan

  assert {
    condition = {
      for name, alarm in aws_cloudwatch_metric_alarm.this : name => "${alarm.namespace} ${alarm.metric_name}"
      } == {
      StreamProcessor-HighErrorRate  = "ChromaDB/StreamProcessor StreamProcessingErrors"
      StreamProcessor-HighLatency    = "ChromaDB/StreamProcessor StreamProcessingLatency"
      StreamProcessor-Errors         = "AWS/Lambda Errors"
      StreamProcessor-Throttles      = "AWS/Lambda Throttles"
      StreamProcessor-IteratorAge    = "AWS/Lambda IteratorAge"
      StreamDeadLetters-NotEmpty     = "AWS/SQS ApproximateNumberOfMessagesVisible"
      Compaction-LockContention      = "ChromaDB/Compaction CompactionLockContentions"
      Compaction-StaleReaders        = "ChromaDB/Compaction Freshness"
      Compaction-MassDeleteRefused   = "ChromaDB/Compaction MassDeletesRefused"
      Compaction-SnapshotDamaged     = "ChromaDB/Compaction SnapshotsDamaged"
      Compaction-Errors              = "AWS/Lambda Errors"
      Compaction-Throttles           = "AWS/Lambda Throttles"
      CompactionQueue-HighDepth      = "AWS/SQS ApproximateNumberOfMessagesVisible"
      CompactionQueue-OldestMessage  = "AWS/SQS ApproximateAgeOfOldestMessage"
      CompactionDeadLetters-NotEmpty = "AWS/SQS ApproximateNumberOfMessagesVisible"
    }
    error_message = "An alarm is missing, or watches another metric."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : endswith(alarm.alarm_name, "-test")])
    error_message = "Alarms of two environments have different names."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : alarm.treat_missing_data == "notBreaching"])
    error_message = "Each alarm says what silence means."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : (alarm.statistic == null) != (alarm.extended_statistic == null)])
    error_message = "An alarm has a statistic or a percentile, and not both."
  }
}

run "each_alarm_notifies_the_topic" {
  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this :
      alarm.alarm_actions == toset([aws_sns_topic.alarms.arn]) && alarm.ok_actions == toset([aws_sns_topic.alarms.arn])
    ])
    error_message = "Every alarm notifies the topic when it starts and when it ends."
  }
}

run "freshness_is_watched_at_its_95th_percentile" {
  command = plan
  variables {
    alarm_thresholds = { freshness_seconds = 7 }
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["Compaction-StaleReaders"].extended_statistic == "p95"
    error_message = "Freshness is promised to 95 % of changes."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["Compaction-StaleReaders"].threshold == 7000
    error_message = "Seconds, in the metric's milliseconds."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["CompactionQueue-HighDepth"].threshold == 100
    error_message = "A threshold that is not given keeps its default."
  }
}

run "a_threshold_of_nothing" {
  command = plan
  variables {
    alarm_thresholds = { queue_depth = 0 }
  }
  expect_failures = [var.alarm_thresholds]
}

run "the_dashboard_has_its_six_views" {
  command = plan

  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets) == 6
    error_message = "Five views of the flow, and freshness."
  }

  assert {
    condition = length(distinct([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : "${widget.x} ${widget.y}"
    ])) == 6
    error_message = "No view lies upon another."
  }
}
