output "table_name" {
  description = "DYNAMODB_TABLE of producers of receipts."
  value       = aws_dynamodb_table.receipts.name
}

output "stream_arn" {
  description = "The table's stream."
  value       = aws_dynamodb_table.receipts.stream_arn
}

output "compaction_queue_url" {
  description = "COMPACTION_QUEUE_URL of producers of deltas."
  value       = aws_sqs_queue.compaction.url
}

output "dead_letter_queue_urls" {
  description = "Both dead-letter queues, by purpose."
  value       = { for purpose, queue in aws_sqs_queue.dead_letters : purpose => queue.url }
}

output "bucket" {
  description = "SNAPSHOT_BUCKET of readers and of producers of deltas."
  value       = aws_s3_bucket.snapshots.bucket
}

output "key_arns" {
  description = "The KMS keys, by purpose."
  value       = { for purpose, key in aws_kms_key.this : purpose => key.arn }
}

output "alarm_topic_arn" {
  description = "The topic that alarms, the budget and cost anomalies report to."
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
  description = "The SSM parameters that template.yaml takes."
  value       = sort([for parameter in aws_ssm_parameter.handed_over : parameter.name])
}
