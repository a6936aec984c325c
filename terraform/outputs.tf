output "table_name" {
  description = "The table's name: DYNAMODB_TABLE for programs that write receipts."
  value       = aws_dynamodb_table.receipts.name
}

output "stream_arn" {
  description = "The table's stream."
  value       = aws_dynamodb_table.receipts.stream_arn
}

output "compaction_queue_url" {
  description = "The compaction queue's URL: COMPACTION_QUEUE_URL for programs that send vectors."
  value       = aws_sqs_queue.compaction.url
}

output "dead_letter_queue_urls" {
  description = "Both dead-letter queues, by purpose."
  value       = { for purpose, queue in aws_sqs_queue.dead_letters : purpose => queue.url }
}

output "bucket" {
  description = "The bucket's name: SNAPSHOT_BUCKET for readers and for programs that send vectors."
  value       = aws_s3_bucket.snapshots.bucket
}

output "key_arns" {
  description = "The KMS keys, by purpose."
  value       = { for purpose, key in aws_kms_key.this : purpose => key.arn }
}

output "alarm_topic_arn" {
  description = "The topic of alarms, the budget and cost anomalies."
  value       = aws_sns_topic.alarms.arn
}

output "alarm_names" {
  description = "Every alarm."
  value       = sort([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name])
}

output "dashboard" {
  description = "Name of the dashboard."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}

output "parameters" {
  description = "The SSM parameters that template.yaml reads."
  value       = sort([for parameter in aws_ssm_parameter.handed_over : parameter.name])
}
