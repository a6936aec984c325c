# The first page to look at after an alarm: the flow in five views, and the freshness of the readers.
# A metric is a list: namespace, name, the name and value of each dimension, and display options.

locals {
  of_service = {
    for key, source in local.metrics : key => flatten([for name, value in source.dimensions : [name, value]])
  }

  widgets = [
    {
      title = "Stream processing"
      stat  = "Sum"
      metrics = [for name in ["StreamRecordsProcessed", "SQSMessagesQueued", "StreamProcessingErrors"] :
        concat([local.metrics.stream_processor.namespace, name], local.of_service.stream_processor)
      ]
    },
    {
      title = "Processing latency, ms"
      stat  = "Average"
      metrics = [
        concat([local.metrics.stream_processor.namespace, "StreamProcessingLatency"], local.of_service.stream_processor),
        ["AWS/Lambda", "Duration", "FunctionName", local.functions.stream_processor],
        ["AWS/Lambda", "Duration", "FunctionName", local.functions.compactor],
        ["AWS/Lambda", "IteratorAge", "FunctionName", local.functions.stream_processor, { stat = "Maximum" }],
      ]
    },
    {
      title = "Compaction"
      stat  = "Sum"
      metrics = [
        concat([local.metrics.compactor.namespace, "CompactionDuration"], local.of_service.compactor, [{ stat = "Average", yAxis = "right", label = "CompactionDuration, ms" }]),
        concat([local.metrics.compactor.namespace, "MetadataUpdatesApplied"], local.of_service.compactor),
        concat([local.metrics.compactor.namespace, "CompactionLockContentions"], local.of_service.compactor),
      ]
    },
    {
      title = "Queues"
      stat  = "Maximum"
      metrics = concat(
        [for name in ["ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible"] :
          ["AWS/SQS", name, "QueueName", local.queues.compaction_queue]
        ],
        [for key in ["compaction_dlq", "stream_dlq"] :
          ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", local.queues[key], { label = local.queues[key] }]
        ],
        [
          ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", local.queues.compaction_queue, { yAxis = "right", label = "Oldest message, s" }],
        ],
      )
    },
    {
      title = "Freshness, ms: from a write to the table to a published snapshot"
      stat  = "p95"
      metrics = [for percentile in ["p50", "p95", "p99"] :
        concat([local.metrics.compactor.namespace, "Freshness"], local.of_service.compactor, [{ stat = percentile, label = percentile }])
      ]
      annotations = {
        horizontal = [{ label = "alarm on p95", value = 1000 * var.alarm_thresholds.freshness_seconds }]
      }
    },
  ]

  # Both functions log JSON. Lines of Powertools have a level. Lines of Lambda have a record with a
  # status.
  errors_query = join("\n| ", concat(
    [for name in values(local.log_groups) : "SOURCE '${name}'"],
    [
      "fields @timestamp, @log, level, message, errorType, record.status, @message",
      "filter level in ['ERROR', 'CRITICAL'] or record.status in ['error', 'failure', 'timeout']",
      "sort @timestamp desc",
      "limit 50",
    ],
  ))
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = "ChromaDB-StreamProcessing-${var.environment}"
  dashboard_body = jsonencode({
    widgets = concat(
      [for index, widget in local.widgets : {
        type   = "metric"
        x      = 12 * (index % 2)
        y      = 6 * floor(index / 2)
        width  = 12
        height = 6
        properties = merge(widget, {
          region  = local.region
          view    = "timeSeries"
          stacked = false
          period  = 5 * local.minute
          yAxis   = { left = { min = 0 }, right = { min = 0 } }
        })
      }],
      [{
        type   = "log"
        x      = 0
        y      = 6 * ceil(length(local.widgets) / 2)
        width  = 24
        height = 6
        properties = {
          title  = "Recent errors"
          query  = local.errors_query
          region = local.region
          view   = "table"
        }
      }],
    )
  })
}
