# The topic for alarms, budget notifications and cost anomalies.

locals {
  # https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-sns-policy.html
  # https://docs.aws.amazon.com/cost-management/latest/userguide/ad-SNS.html
  publishers = {
    cloudwatch = {
      StringEquals = { "aws:SourceAccount" = local.account }
      ArnLike      = { "aws:SourceArn" = local.arns.alarms }
    }
    budgets = {
      StringEquals = { "aws:SourceAccount" = local.account }
      ArnLike      = { "aws:SourceArn" = local.arns.budgets }
    }
    costalerts = {
      StringEquals = { "aws:SourceAccount" = local.account }
    }
  }
}

resource "aws_sns_topic" "alarms" {
  name              = local.names.topic
  kms_master_key_id = aws_kms_key.this["topic"].arn
}

resource "aws_sns_topic_policy" "alarms" {
  arn = aws_sns_topic.alarms.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [for service, condition in local.publishers :
      {
        Sid       = "PublishFrom${title(service)}"
        Effect    = "Allow"
        Principal = { Service = "${service}.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = local.arns.topic
        Condition = condition
      }
    ]
  })
}

resource "aws_sns_topic_subscription" "email" {
  for_each = var.alarm_emails

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.value
}

resource "aws_sns_topic_subscription" "pagerduty" {
  count = nonsensitive(var.pagerduty_endpoint != null) ? 1 : 0

  topic_arn              = aws_sns_topic.alarms.arn
  protocol               = "https"
  endpoint               = var.pagerduty_endpoint
  endpoint_auto_confirms = true
}
