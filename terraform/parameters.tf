# The parameters that SAM reads. They are the only connection from Terraform to SAM.
locals {
  parameters = {
    table-name           = aws_dynamodb_table.receipts.name
    table-arn            = aws_dynamodb_table.receipts.arn
    stream-arn           = aws_dynamodb_table.receipts.stream_arn
    compaction-queue-arn = aws_sqs_queue.compaction.arn
    compaction-queue-url = aws_sqs_queue.compaction.url
    compaction-dlq-arn   = aws_sqs_queue.dead_letters["compaction_dlq"].arn
    compaction-dlq-url   = aws_sqs_queue.dead_letters["compaction_dlq"].url
    stream-dlq-arn       = aws_sqs_queue.dead_letters["stream_dlq"].arn
    stream-dlq-url       = aws_sqs_queue.dead_letters["stream_dlq"].url
    bucket               = aws_s3_bucket.snapshots.bucket
    table-key-arn        = aws_kms_key.this["table"].arn
    bucket-key-arn       = aws_kms_key.this["bucket"].arn
    queues-key-arn       = aws_kms_key.this["queues"].arn
    lambda-key-arn       = aws_kms_key.this["functions"].arn

    stream-processor-log-group = aws_cloudwatch_log_group.functions["stream_processor"].name
    compactor-log-group        = aws_cloudwatch_log_group.functions["compactor"].name
    stream-processor-timeout   = var.stream_processor_timeout
    compactor-timeout          = var.compactor_timeout
    lease-seconds              = var.lease_seconds
    heartbeat-seconds          = var.heartbeat_seconds
  }
}

resource "aws_ssm_parameter" "handed_over" {
  #checkov:skip=CKV2_AWS_34:The parameters hold names and numbers, and no secrets. CloudFormation reads only plain strings
  for_each = local.parameters

  name  = "${local.names.parameters}/${each.key}"
  type  = "String"
  value = tostring(each.value)
}
