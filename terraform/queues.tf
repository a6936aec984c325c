# The compaction queue, its dead-letter queue, and the dead-letter queue of the stream.

locals {
  queue_settings = {
    receive_wait_time_seconds = 20     # long polling
    max_message_size          = 262144 # bytes, the limit of this version of the provider
    data_key_reuse_seconds    = 300
  }
}

resource "aws_sqs_queue" "compaction" {
  name                       = local.names.compaction_queue
  visibility_timeout_seconds = var.visibility_timeout
  message_retention_seconds  = var.queue_retention_days * local.day
  receive_wait_time_seconds  = local.queue_settings.receive_wait_time_seconds
  max_message_size           = local.queue_settings.max_message_size

  kms_master_key_id                 = aws_kms_key.this["queues"].arn
  kms_data_key_reuse_period_seconds = local.queue_settings.data_key_reuse_seconds

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters["compaction_dlq"].arn
    maxReceiveCount     = var.max_receive_count
  })
}

resource "aws_sqs_queue" "dead_letters" {
  for_each = {
    compaction_dlq = { redrivePermission = "byQueue", sourceQueueArns = [local.arns.compaction_queue] }
    stream_dlq     = { redrivePermission = "denyAll" } # failure destination of a mapping, not of a queue
  }

  name                      = local.names[each.key]
  message_retention_seconds = var.dlq_retention_days * local.day
  receive_wait_time_seconds = local.queue_settings.receive_wait_time_seconds
  max_message_size          = local.queue_settings.max_message_size

  kms_master_key_id                 = aws_kms_key.this["queues"].arn
  kms_data_key_reuse_period_seconds = local.queue_settings.data_key_reuse_seconds

  redrive_allow_policy = jsonencode(each.value)
}
