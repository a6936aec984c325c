# The policies of the keys, the topic and the bucket, statement by statement.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment = "test"
}

run "keys" {
  command = plan

  assert {
    condition     = toset(keys(aws_kms_key.this)) == toset(["table", "bucket", "queues", "functions", "logs", "topic"])
    error_message = "One key for each kind of data."
  }

  assert {
    condition     = alltrue([for key in aws_kms_key.this : key.enable_key_rotation])
    error_message = "Every key is rotated."
  }

  assert {
    condition = alltrue([
      for key in aws_kms_key.this : alltrue([
        for statement in jsondecode(key.policy).Statement :
        statement.Sid == "AdministerThroughIAM" ? !can(statement.Condition) : can(statement.Condition)
      ])
    ])
    error_message = "Whoever uses a key does so under a condition."
  }

  assert {
    condition = length(setintersection(
      toset(jsondecode(aws_kms_key.this["table"].policy).Statement[0].Action),
      ["kms:*", "kms:CreateGrant", "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"],
    )) == 0
    error_message = "Administering a key is not using it."
  }

  assert {
    condition = {
      for purpose in ["table", "bucket", "queues", "functions"] : purpose =>
      jsondecode(aws_kms_key.this[purpose].policy).Statement[1].Condition.StringEquals["kms:ViaService"]
      } == {
      table     = "dynamodb.us-east-1.amazonaws.com"
      bucket    = "s3.us-east-1.amazonaws.com"
      queues    = "sqs.us-east-1.amazonaws.com"
      functions = "lambda.us-east-1.amazonaws.com"
    }
    error_message = "A key is used through its own service."
  }

  assert {
    condition = alltrue([
      for purpose in ["table", "bucket", "queues", "functions"] :
      jsondecode(aws_kms_key.this[purpose].policy).Statement[1].Condition.StringEquals["kms:CallerAccount"] == "111122223333"
    ])
    error_message = "A key is used from its own account."
  }

  assert {
    condition = alltrue([
      for action in ["kms:Decrypt", "kms:GenerateDataKey"] :
      contains(jsondecode(aws_kms_key.this["queues"].policy).Statement[1].Action, action)
    ])
    error_message = "Producers need both, to send to an encrypted queue."
  }
}

run "logs_key" {
  command = plan

  assert {
    condition     = jsondecode(aws_kms_key.this["logs"].policy).Statement[1].Principal.Service == "logs.us-east-1.amazonaws.com"
    error_message = "The principal is the region's."
  }

  assert {
    condition = jsondecode(aws_kms_key.this["logs"].policy).Statement[1].Condition.StringEquals["kms:EncryptionContext:aws:logs:arn"] == [
      "arn:aws:logs:us-east-1:111122223333:log-group:/aws/lambda/receipt-compactor-test",
      "arn:aws:logs:us-east-1:111122223333:log-group:/aws/lambda/receipt-stream-processor-test",
    ]
    error_message = "The key serves both functions' log groups and no others."
  }
}

run "topic" {
  command = plan

  assert {
    condition = [
      for statement in jsondecode(aws_kms_key.this["topic"].policy).Statement : statement.Principal.Service
      if statement.Sid != "AdministerThroughIAM"
      ] == [
      for statement in jsondecode(aws_sns_topic_policy.alarms.policy).Statement : statement.Principal.Service
    ]
    error_message = "Who may publish may encrypt, and no one else."
  }

  assert {
    condition = contains(
      [for statement in jsondecode(aws_sns_topic_policy.alarms.policy).Statement : statement.Principal.Service],
      "cloudwatch.amazonaws.com",
    )
    error_message = "Alarms may publish."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_sns_topic_policy.alarms.policy).Statement :
      statement.Condition.StringEquals["aws:SourceAccount"] == "111122223333" && statement.Resource == "arn:aws:sns:us-east-1:111122223333:receipt-sync-alarms-test"
    ])
    error_message = "From this account, to this topic."
  }
}

run "bucket" {
  command = plan

  assert {
    condition = jsondecode(aws_s3_bucket_policy.snapshots.policy).Statement == [{
      Sid       = "TLSOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = ["arn:aws:s3:::receipt-chroma-test", "arn:aws:s3:::receipt-chroma-test/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
    error_message = "The bucket refuses what comes without TLS."
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.snapshots.block_public_acls,
      aws_s3_bucket_public_access_block.snapshots.block_public_policy,
      aws_s3_bucket_public_access_block.snapshots.ignore_public_acls,
      aws_s3_bucket_public_access_block.snapshots.restrict_public_buckets,
    ])
    error_message = "Nothing in the bucket is public."
  }
}
