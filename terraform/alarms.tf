# Each alarm reports one problem that needs a person's attention. The metrics of this project have
# the dimensions `environment` and `service` (src/receipt_functions/telemetry.py).

locals {
  metrics = {
    stream_processor = {
      namespace  = "ChromaDB/StreamProcessor"
      dimensions = { environment = var.environment, service = "stream_processor" }
    }
    compactor = {
      namespace  = "ChromaDB/Compaction"
      dimensions = { environment = var.environment, service = "compactor" }
    }
  }

  queues = {
    compaction_queue = aws_sqs_queue.compaction.name
    compaction_dlq   = aws_sqs_queue.dead_letters["compaction_dlq"].name
    stream_dlq       = aws_sqs_queue.dead_letters["stream_dlq"].name
  }

  minute = 60 # seconds

  own_alarms = {
    StreamProcessor-HighErrorRate = {
      description = "Stream records were parked or could not be sent. Read the stream's dead-letter queue."
      source      = local.metrics.stream_processor
      metric      = "StreamProcessingErrors"
      statistic   = "Sum"
      period      = 10 * local.minute
      threshold   = var.alarm_thresholds.stream_errors
    }
    StreamProcessor-HighLatency = {
      description = "Invocations of the stream processor take half of their timeout."
      source      = local.metrics.stream_processor
      metric      = "StreamProcessingLatency"
      statistic   = "Average"
      periods     = 3
      threshold   = 1000 * var.stream_processor_timeout / 2 # ms
    }
    Compaction-LockContention = {
      description = "A worker waits for the lease half of the time. More changes arrive than one worker can apply."
      source      = local.metrics.compactor
      metric      = "CompactionLockContentions"
      statistic   = "Sum"
      periods     = 2
      threshold   = var.alarm_thresholds.lock_contentions
    }
    Compaction-StaleReaders = {
      description = "5 % of the changes reach readers later than the freshness goal."
      source      = local.metrics.compactor
      metric      = "Freshness"
      percentile  = "p95"
      periods     = 3
      threshold   = 1000 * var.alarm_thresholds.freshness_seconds # ms
    }
    Compaction-MassDeleteRefused = {
      description = "The compactor stopped a cycle that would have deleted more than the allowed share of a collection. Find out why items are missing in the table."
      source      = local.metrics.compactor
      metric      = "MassDeletesRefused"
      statistic   = "Sum"
    }
    Compaction-SnapshotDamaged = {
      description = "A manifest, a pack or a block is unreadable, so the compactor publishes nothing. Restore the previous version."
      source      = local.metrics.compactor
      metric      = "SnapshotsDamaged"
      statistic   = "Sum"
    }
  }

  queue_alarms = {
    CompactionQueue-HighDepth = {
      description = "Messages arrive faster than the compactor applies them."
      queue       = "compaction_queue"
      metric      = "ApproximateNumberOfMessagesVisible"
      statistic   = "Average"
      periods     = 2
      threshold   = var.alarm_thresholds.queue_depth
    }
    CompactionQueue-OldestMessage = {
      description = "A message waits, or returns again and again. No worker receives it, or the compactor cannot apply it."
      queue       = "compaction_queue"
      metric      = "ApproximateAgeOfOldestMessage"
      statistic   = "Maximum"
      periods     = 2
      threshold   = var.alarm_thresholds.oldest_message_seconds
    }
    CompactionDeadLetters-NotEmpty = {
      description = "The compactor cannot apply a message. The attributes of the message name the reason."
      queue       = "compaction_dlq"
      metric      = "ApproximateNumberOfMessagesVisible"
      statistic   = "Maximum"
    }
    StreamDeadLetters-NotEmpty = {
      description = "A stream record is malformed, or its last retry failed."
      queue       = "stream_dlq"
      metric      = "ApproximateNumberOfMessagesVisible"
      statistic   = "Maximum"
    }
  }

  function_alarms = {
    StreamProcessor-Errors = {
      description = "Invocations of the stream processor fail. The stream waits."
      function    = "stream_processor"
      metric      = "Errors"
    }
    StreamProcessor-Throttles = {
      description = "Lambda throttles the stream processor. The stream waits."
      function    = "stream_processor"
      metric      = "Throttles"
    }
    StreamProcessor-IteratorAge = {
      description = "The stream processor reads the stream late. The stream keeps a record for 24 hours."
      function    = "stream_processor"
      metric      = "IteratorAge"
      statistic   = "Maximum"
      periods     = 2
      threshold   = 1000 * var.alarm_thresholds.iterator_age_seconds # ms
    }
    Compaction-Errors = {
      description = "Invocations of the compactor fail. Their messages return to the queue."
      function    = "compactor"
      metric      = "Errors"
    }
    Compaction-Throttles = {
      description = "Lambda throttles the compactor. Messages wait in the queue."
      function    = "compactor"
      metric      = "Throttles"
    }
  }

  alarms = merge(
    local.own_alarms,
    { for name, alarm in local.queue_alarms : name => merge(alarm, { source = {
      namespace  = "AWS/SQS"
      dimensions = { QueueName = local.queues[alarm.queue] }
    } }) },
    { for name, alarm in local.function_alarms : name => merge({ statistic = "Sum" }, alarm, { source = {
      namespace  = "AWS/Lambda"
      dimensions = { FunctionName = local.functions[alarm.function] }
    } }) },
  )
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name        = "ChromaDB-${each.key}-${var.environment}"
  alarm_description = each.value.description

  namespace   = each.value.source.namespace
  metric_name = each.value.metric
  dimensions  = each.value.source.dimensions

  statistic           = try(each.value.statistic, null)
  extended_statistic  = try(each.value.percentile, null)
  period              = try(each.value.period, 5 * local.minute)
  evaluation_periods  = try(each.value.periods, 1)
  comparison_operator = "GreaterThanThreshold"
  threshold           = try(each.value.threshold, 0)

  # A metric without values means that nothing happened. If no message is processed, the age alarms
  # show it, because SQS and Lambda report these ages themselves.
  treat_missing_data = "notBreaching"

  alarm_actions = [aws_sns_topic.alarms.arn]
  ok_actions    = [aws_sns_topic.alarms.arn]
}
