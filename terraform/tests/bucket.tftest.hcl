# The retention of objects in the bucket.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment          = "test"
  delta_retention_days = 21
  old_version_days     = 9
}

run "lifecycle" {
  assert {
    condition     = aws_s3_bucket_versioning.snapshots.versioning_configuration[0].status == "Enabled"
    error_message = "A snapshot is restored from the version before."
  }

  assert {
    condition = one([
      for rule in aws_s3_bucket_lifecycle_configuration.snapshots.rule :
      rule.expiration[0].days if rule.id == "deltas-expire" && rule.filter[0].prefix == "deltas/"
    ]) == 21
    error_message = "Deltas expire after delta_retention_days."
  }

  assert {
    condition = one([
      for rule in aws_s3_bucket_lifecycle_configuration.snapshots.rule :
      rule.noncurrent_version_expiration[0].noncurrent_days if rule.id == "old-versions-expire"
    ]) == 9
    error_message = "Old versions expire after old_version_days."
  }

  assert {
    condition = one([
      for rule in aws_s3_bucket_lifecycle_configuration.snapshots.rule :
      rule.abort_incomplete_multipart_upload[0].days_after_initiation if rule.id == "old-versions-expire"
    ]) == 1
    error_message = "Parts of an upload that never ended are dropped."
  }

  assert {
    condition = alltrue([
      for rule in aws_s3_bucket_lifecycle_configuration.snapshots.rule :
      rule.id == "deltas-expire" || try(rule.expiration[0].days, null) == null || rule.expiration[0].days == 0
    ])
    error_message = "Nothing but deltas expires while it is current: a manifest must not."
  }
}

run "encryption" {
  command = plan

  assert {
    condition = one([
      for rule in aws_s3_bucket_server_side_encryption_configuration.snapshots.rule :
      rule.bucket_key_enabled && rule.apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms"
    ])
    error_message = "Objects are encrypted under the bucket's key, which is asked for once a bucket and not once an object."
  }
}
