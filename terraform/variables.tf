variable "environment" {
  description = "A part of every name. Two environments share no resource."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,19}$", var.environment))
    error_message = "environment must be 1 to 20 lower-case letters, digits and hyphens, and must begin with a letter."
  }
}

variable "emulator" {
  description = "Whether AWS_ENDPOINT_URL names a local AWS. A local AWS has no accounts, no regions, and no host names of buckets."
  type        = bool
  default     = false
  nullable    = false
}

variable "bucket_name" {
  description = "The name of the snapshot bucket; null: receipt-chroma-{environment}. Bucket names are unique in all of AWS, so another account may use that name."
  type        = string
  default     = null

  validation {
    condition     = var.bucket_name == null || can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name must be 3 to 63 lower-case letters, digits and hyphens, without a hyphen at either end."
  }
}

variable "deletion_protection" {
  description = "Whether AWS refuses to delete the table, and the bucket while it holds objects. To delete an environment, apply with false first."
  type        = bool
  default     = true
  nullable    = false
}

variable "key_deletion_days" {
  description = "Days in which the deletion of a key can be cancelled. After that, data that the key encrypted is unreadable."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.key_deletion_days >= 7 && var.key_deletion_days <= 30
    error_message = "key_deletion_days must be 7 to 30, the range of KMS."
  }
}

variable "log_retention_days" {
  description = "Days for which CloudWatch Logs keeps the logs of both functions."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition = contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.log_retention_days,
    )
    error_message = "log_retention_days must be a retention of CloudWatch Logs: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731 or 1096 and more."
  }
}

variable "old_version_days" {
  description = "Days for which the bucket keeps overwritten and deleted objects. `receipt-sync snapshot restore` can restore versions of that age."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.old_version_days >= 1
    error_message = "old_version_days must be at least 1."
  }
}

variable "alarm_emails" {
  description = "Email addresses that receive alarms, budget warnings and cost anomalies. AWS asks each address to confirm."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for address in var.alarm_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])
    error_message = "alarm_emails must be email addresses such as someone@example.com."
  }
}

variable "pagerduty_endpoint" {
  description = "The integration URL of a PagerDuty service (Amazon CloudWatch integration); null: none. The URL holds a key, so set it as TF_VAR_pagerduty_endpoint."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.pagerduty_endpoint == null || can(regex("^https://", var.pagerduty_endpoint))
    error_message = "pagerduty_endpoint must begin with https://."
  }
}

variable "alarm_thresholds" {
  description = "The values above which an alarm rings. stream_errors counts 10 minutes. lock_contentions counts tries for a held lease in 5 minutes, two periods in a row. A waiting worker tries about twice a second. queue_depth is in messages. The ages and the freshness are in seconds."
  type = object({
    stream_errors          = optional(number, 10)
    lock_contentions       = optional(number, 300)
    queue_depth            = optional(number, 100)
    oldest_message_seconds = optional(number, 900)
    iterator_age_seconds   = optional(number, 300)
    freshness_seconds      = optional(number, 60)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for threshold in values(var.alarm_thresholds) : threshold > 0])
    error_message = "alarm_thresholds must be above 0."
  }
}

variable "monthly_budget" {
  description = "The budget in US dollars a month for the services that the system uses; null: no budget. It counts all use of these services in the account."
  type        = number
  default     = 50

  validation {
    condition     = var.monthly_budget == null || try(var.monthly_budget > 0, false)
    error_message = "monthly_budget must be above 0, or null for no budget."
  }
}

variable "cost_anomaly_dollars" {
  description = "The least impact in US dollars of a cost anomaly that AWS reports; null: AWS does not look for anomalies."
  type        = number
  default     = 20

  validation {
    condition     = var.cost_anomaly_dollars == null || try(var.cost_anomaly_dollars > 0, false)
    error_message = "cost_anomaly_dollars must be above 0, or null for no reports."
  }
}

variable "cost_anomaly_monitor_arn" {
  description = "The ARN of the account's cost anomaly monitor of AWS services; null: create it. AWS allows one such monitor, and newer accounts have it already."
  type        = string
  default     = null
}

# The rest are times that must fit together. The running system does not check them. A wrong sum
# would cause lost or repeated work, perhaps weeks later. These validations make the plan fail
# instead. SAM receives the times of the functions as parameters.

variable "stream_processor_timeout" {
  description = "Seconds that an invocation of the stream processor may take."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.stream_processor_timeout >= 1 && var.stream_processor_timeout <= 900
    error_message = "stream_processor_timeout must be 1 to 900 seconds, the range of Lambda."
  }
}

variable "compactor_timeout" {
  description = "Seconds that an invocation of the compactor may take. It must be longer than a lease, so that a cycle can wait until the lease of a dead worker expires."
  type        = number
  default     = 300
  nullable    = false

  validation {
    condition     = var.compactor_timeout >= 1 && var.compactor_timeout <= 900
    error_message = "compactor_timeout must be 1 to 900 seconds, the range of Lambda."
  }

  validation {
    condition     = var.compactor_timeout > var.lease_seconds
    error_message = "compactor_timeout (${var.compactor_timeout}) must be more than lease_seconds (${var.lease_seconds}). Otherwise no cycle can wait until the lease of a dead worker expires."
  }
}

variable "lease_seconds" {
  description = "Seconds for which a lease holds without a heartbeat."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.lease_seconds > 2 * var.heartbeat_seconds
    error_message = "lease_seconds (${var.lease_seconds}) must be more than twice heartbeat_seconds (${var.heartbeat_seconds}). Otherwise one failed heartbeat loses the lease."
  }
}

variable "heartbeat_seconds" {
  description = "Seconds between two heartbeats."
  type        = number
  default     = 15
  nullable    = false

  validation {
    condition     = var.heartbeat_seconds >= 1
    error_message = "heartbeat_seconds must be at least 1."
  }
}

# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
variable "visibility_timeout" {
  description = "Seconds for which a received message stays invisible."
  type        = number
  default     = 1800
  nullable    = false

  validation {
    condition     = var.visibility_timeout <= 43200
    error_message = "visibility_timeout must be at most 43200 seconds, the limit of SQS."
  }

  validation {
    condition     = var.visibility_timeout >= 6 * var.compactor_timeout
    error_message = "visibility_timeout (${var.visibility_timeout}) must be at least six times compactor_timeout (${var.compactor_timeout}). Otherwise SQS delivers messages again while the compactor applies them."
  }
}

variable "max_receive_count" {
  description = "Receives after which a message goes to the dead-letter queue."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.max_receive_count >= 1 && var.max_receive_count <= 1000
    error_message = "max_receive_count must be 1 to 1000, the range of SQS."
  }
}

variable "queue_retention_days" {
  description = "Days for which the compaction queue keeps a message."
  type        = number
  default     = 4
  nullable    = false

  validation {
    condition     = var.queue_retention_days * local.day > var.max_receive_count * var.visibility_timeout
    error_message = "queue_retention_days (${var.queue_retention_days}) must be more than max_receive_count × visibility_timeout (${var.max_receive_count} × ${var.visibility_timeout} s). Otherwise messages expire before they reach the dead-letter queue."
  }
}

# A message that moves to a dead-letter queue keeps the time at which it was first sent:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
variable "dlq_retention_days" {
  description = "Days for which a dead-letter queue keeps a message, counted from the time when it was first sent."
  type        = number
  default     = 14
  nullable    = false

  validation {
    condition     = var.dlq_retention_days <= 14
    error_message = "dlq_retention_days must be at most 14, the limit of SQS."
  }

  validation {
    condition     = var.dlq_retention_days > var.queue_retention_days
    error_message = "dlq_retention_days (${var.dlq_retention_days}) must be more than queue_retention_days (${var.queue_retention_days}). Otherwise a message that moves late expires at once."
  }
}

variable "delta_retention_days" {
  description = "Days for which the bucket keeps delta objects, from which missing vectors are repaired."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.delta_retention_days > var.dlq_retention_days
    error_message = "delta_retention_days (${var.delta_retention_days}) must be more than dlq_retention_days (${var.dlq_retention_days}). Otherwise a message can outlive the delta that it names."
  }
}
