# One key for each kind of data. The administrators of the account manage the keys but cannot use
# them directly. A key works only through its service, for principals with IAM permissions
# (template.yaml for the functions).

locals {
  kms = {
    administration = [
      "kms:CancelKeyDeletion",
      "kms:CreateAlias",
      "kms:DeleteAlias",
      "kms:DescribeKey",
      "kms:DisableKey",
      "kms:DisableKeyRotation",
      "kms:EnableKey",
      "kms:EnableKeyRotation",
      "kms:GetKeyPolicy",
      "kms:GetKeyRotationStatus",
      "kms:ListGrants",
      "kms:ListKeyPolicies",
      "kms:ListKeyRotations",
      "kms:ListResourceTags",
      "kms:PutKeyPolicy",
      "kms:RevokeGrant",
      "kms:RotateKeyOnDemand",
      "kms:ScheduleKeyDeletion",
      "kms:TagResource",
      "kms:UntagResource",
      "kms:UpdateAlias",
      "kms:UpdateKeyDescription",
    ]
    encryption = [
      "kms:Decrypt",
      "kms:Encrypt",
      "kms:GenerateDataKey",
      "kms:GenerateDataKeyWithoutPlaintext",
      "kms:ReEncryptFrom",
      "kms:ReEncryptTo",
    ]
    through = { for service in ["dynamodb", "lambda", "s3", "sqs"] : service => {
      "kms:CallerAccount" = local.account
      "kms:ViaService"    = "${service}.${local.region}.${data.aws_partition.current.dns_suffix}"
    } }
  }

  key_statements = {
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
    table = [
      {
        Sid       = "UseThroughDynamoDB"
        Effect    = "Allow"
        Principal = { AWS = local.arns.account }
        Action    = concat(local.kms.encryption, ["kms:CreateGrant", "kms:DescribeKey"])
        Resource  = "*"
        Condition = { StringEquals = local.kms.through.dynamodb }
      },
    ]

    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
    bucket = [
      {
        Sid       = "UseThroughS3"
        Effect    = "Allow"
        Principal = { AWS = local.arns.account }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = "*"
        Condition = {
          StringEquals = local.kms.through.s3
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = [local.arns.bucket, "${local.arns.bucket}/*"]
          }
        }
      },
    ]

    # Producers and consumers use the key with their own permissions. The service itself does not use
    # it.
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    queues = [
      {
        Sid       = "UseThroughSQS"
        Effect    = "Allow"
        Principal = { AWS = local.arns.account }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = "*"
        Condition = { StringEquals = local.kms.through.sqs }
      },
    ]

    # The deploying principal encrypts. It lets Lambda grant decryption to the function's role.
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
    functions = [
      {
        Sid       = "UseThroughLambda"
        Effect    = "Allow"
        Principal = { AWS = local.arns.account }
        Action = [
          "kms:CreateGrant",
          "kms:Decrypt",
          "kms:DescribeKey",
          "kms:Encrypt",
          "kms:GenerateDataKey",
        ]
        Resource  = "*"
        Condition = { StringEquals = local.kms.through.lambda }
      },
    ]

    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    logs = [
      {
        Sid       = "UseForBothLogGroups"
        Effect    = "Allow"
        Principal = { Service = "logs.${local.region}.${data.aws_partition.current.dns_suffix}" }
        Action    = local.kms.encryption
        Resource  = "*"
        Condition = { StringEquals = { "kms:EncryptionContext:aws:logs:arn" = local.arns.log_groups } }
      },
    ]

    # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    topic = [for service, condition in local.publishers :
      {
        Sid       = "PublishFrom${title(service)}"
        Effect    = "Allow"
        Principal = { Service = "${service}.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = "*"
        Condition = condition
      }
    ]
  }

  key_administration = {
    Sid       = "AdministerThroughIAM"
    Effect    = "Allow"
    Principal = { AWS = local.arns.account }
    Action    = local.kms.administration
    Resource  = "*"
  }
}

resource "aws_kms_key" "this" {
  for_each = local.key_statements

  description             = "receipt-chroma-sync ${var.environment}: ${each.key}"
  enable_key_rotation     = true
  deletion_window_in_days = var.key_deletion_days
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat([local.key_administration], each.value)
  })
}

resource "aws_kms_alias" "this" {
  for_each = aws_kms_key.this

  name          = "alias/receipt-sync-${var.environment}-${each.key}"
  target_key_id = each.value.key_id
}
