variable "environment" {
  description = "Part of every name; two environments share nothing."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,19}$", var.environment))
    error_message = "environment is 1 to 20 lower-case letters, digits and hyphens, a letter first."
  }
}

variable "emulator" {
  description = "Whether AWS_ENDPOINT_URL names a local AWS, which has no accounts, regions or host names of buckets."
  type        = bool
  default     = false
  nullable    = false
}

variable "bucket_name" {
  description = "Name of the snapshot bucket; null: receipt-chroma-{environment}. Bucket names are unique in all of AWS, so that name may be taken."
  type        = string
  default     = null

  validation {
    condition     = var.bucket_name == null || can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name is 3 to 63 lower-case letters, digits and hyphens, with no hyphen at either end."
  }
}

variable "deletion_protection" {
  description = "Whether the table refuses to be deleted, and the bucket refuses while it holds anything. To delete an environment, apply with false first."
  type        = bool
  default     = true
  nullable    = false
}

variable "key_deletion_days" {
  description = "Days in which the deletion of a key can still be cancelled. What it encrypted is unreadable after."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.key_deletion_days >= 7 && var.key_deletion_days <= 30
    error_message = "key_deletion_days is 7 to 30: KMS takes nothing else."
  }
}

variable "log_retention_days" {
  description = "Days for which both functions' logs are kept."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition = contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.log_retention_days,
    )
    error_message = "log_retention_days is one of CloudWatch Logs' own: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731 or 1096 and more."
  }
}

variable "old_version_days" {
  description = "Days for which the bucket keeps what was overwritten or deleted: as far back as `receipt-sync snapshot restore` reaches."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.old_version_days >= 1
    error_message = "old_version_days is at least 1."
  }
}

variable "alarm_emails" {
  description = "Addresses that alarms, the budget and cost anomalies are sent to. Each is asked to confirm."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for address in var.alarm_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])
    error_message = "alarm_emails are addresses, as someone@example.com."
  }
}

variable "pagerduty_endpoint" {
  description = "Integration URL of a PagerDuty service (Amazon CloudWatch integration); null: none. It holds a key: give it as TF_VAR_pagerduty_endpoint."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.pagerduty_endpoint == null || can(regex("^https://", var.pagerduty_endpoint))
    error_message = "pagerduty_endpoint begins with https://."
  }
}

variable "alarm_thresholds" {
  description = "When an alarm goes off: stream_errors in 10 minutes; lock_contentions (tries for a held lease, about two a second for each worker that waits) in 5 minutes, twice; queue_depth in messages; the ages of the oldest message and of the oldest stream record, and the freshness of which 5 % of changes fall short, in seconds."
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
    error_message = "alarm_thresholds are above 0."
  }
}

variable "monthly_budget" {
  description = "US dollars a month for the services that the system uses; null: no budget. All of the account's use of them counts."
  type        = number
  default     = 50

  validation {
    condition     = var.monthly_budget == null || try(var.monthly_budget > 0, false)
    error_message = "monthly_budget is above 0, or null for none."
  }
}

variable "cost_anomaly_dollars" {
  description = "Least impact in US dollars of a cost anomaly that is reported; null: anomalies are not watched."
  type        = number
  default     = 20

  validation {
    condition     = var.cost_anomaly_dollars == null || try(var.cost_anomaly_dollars > 0, false)
    error_message = "cost_anomaly_dollars is above 0, or null for none."
  }
}

variable "cost_anomaly_monitor_arn" {
  description = "ARN of the account's monitor of AWS services, of which AWS allows one and makes one in newer accounts; null: create it."
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
    error_message = "stream_processor_timeout is 1 to 900 seconds: Lambda takes nothing else."
  }
}

variable "compactor_timeout" {
  description = "Seconds that an invocation of the compactor may take. More than a lease, so that a cycle can wait for one that a dead worker left behind."
  type        = number
  default     = 300
  nullable    = false

  validation {
    condition     = var.compactor_timeout >= 1 && var.compactor_timeout <= 900
    error_message = "compactor_timeout is 1 to 900 seconds: Lambda takes nothing else."
  }

  validation {
    condition     = var.compactor_timeout > var.lease_seconds
    error_message = "compactor_timeout (${var.compactor_timeout}) is not more than lease_seconds (${var.lease_seconds}): no cycle could wait until the lease of a dead worker runs out."
  }
}

variable "lease_seconds" {
  description = "Seconds for which a lease holds without a heartbeat."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.lease_seconds > 2 * var.heartbeat_seconds
    error_message = "lease_seconds (${var.lease_seconds}) is not more than twice heartbeat_seconds (${var.heartbeat_seconds}): one heartbeat that fails would lose the lease."
  }
}

variable "heartbeat_seconds" {
  description = "Seconds between two heartbeats."
  type        = number
  default     = 15
  nullable    = false

  validation {
    condition     = var.heartbeat_seconds >= 1
    error_message = "heartbeat_seconds is at least 1."
  }
}

# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
variable "visibility_timeout" {
  description = "Seconds for which a message that was received stays hidden."
  type        = number
  default     = 1800
  nullable    = false

  validation {
    condition     = var.visibility_timeout <= 43200
    error_message = "visibility_timeout is at most 43200 seconds: SQS takes no more."
  }

  validation {
    condition     = var.visibility_timeout >= 6 * var.compactor_timeout
    error_message = "visibility_timeout (${var.visibility_timeout}) is less than six times compactor_timeout (${var.compactor_timeout}): messages would come again while they are worked on."
  }
}

variable "max_receive_count" {
  description = "Receives after which a message goes to the dead-letter queue."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.max_receive_count >= 1 && var.max_receive_count <= 1000
    error_message = "max_receive_count is 1 to 1000: SQS takes nothing else."
  }
}

variable "queue_retention_days" {
  description = "Days for which the compaction queue keeps a message."
  type        = number
  default     = 4
  nullable    = false

  validation {
    condition     = var.queue_retention_days * local.day > var.max_receive_count * var.visibility_timeout
    error_message = "queue_retention_days (${var.queue_retention_days}) is not more than max_receive_count × visibility_timeout (${var.max_receive_count} × ${var.visibility_timeout} s): messages would expire before they reach the dead-letter queue."
  }
}

# A message that moves to a dead-letter queue keeps the time at which it was first sent:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
variable "dlq_retention_days" {
  description = "Days, from its first sending, for which a dead-letter queue keeps a message."
  type        = number
  default     = 14
  nullable    = false

  validation {
    condition     = var.dlq_retention_days <= 14
    error_message = "dlq_retention_days is at most 14: SQS takes no more."
  }

  validation {
    condition     = var.dlq_retention_days > var.queue_retention_days
    error_message = "dlq_retention_days (${var.dlq_retention_days}) is not more than queue_retention_days (${var.queue_retention_days}): what arrives late would expire on arrival."
  }
}

variable "delta_retention_days" {
  description = "Days for which the bucket keeps delta objects, from which missing vectors are repaired."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.delta_retention_days > var.dlq_retention_days
    error_message = "delta_retention_days (${var.delta_retention_days}) is not more than dlq_retention_days (${var.dlq_retention_days}): a message could outlive the delta that it names."
  }
}
