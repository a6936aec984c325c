# Times that must fit each other. The running system does not check them. A wrong sum would cause
# lost or repeated work, perhaps weeks later. These checks make the plan fail instead.
#
# The times of the functions are defined here only. SAM receives them as parameters.

locals {
  day = 86400 # seconds
}

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
