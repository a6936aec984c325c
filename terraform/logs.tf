# The log groups exist before the functions, so the functions need no permission to create them.
resource "aws_cloudwatch_log_group" "functions" {
  #checkov:skip=CKV_AWS_338:Logs hold keys and counts, and never receipt text. A variable sets their retention
  for_each = local.log_groups

  name              = each.value
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.this["logs"].arn
}
