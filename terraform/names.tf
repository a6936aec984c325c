# The names of all resources, and one unit. SAM creates the functions and their roles
# (template.yaml). Their names are also defined here, because log groups, alarms and keys need them
# before they exist.
locals {
  names = {
    table            = "portfolio-${var.environment}"
    compaction_queue = "chromadb-delta-queue-${var.environment}"
    compaction_dlq   = "chromadb-delta-dlq-${var.environment}"
    stream_dlq       = "chromadb-stream-dlq-${var.environment}"
    bucket           = coalesce(var.bucket_name, "receipt-chroma-${var.environment}")
    topic            = "receipt-sync-alarms-${var.environment}"
    parameters       = "/receipt-sync/${var.environment}"
  }

  functions = {
    stream_processor = "receipt-stream-processor-${var.environment}"
    compactor        = "receipt-compactor-${var.environment}"
  }

  day = 86400 # seconds

  log_groups = { for key, function in local.functions : key => "/aws/lambda/${function}" }

  # ARNs that are built from names. With them, a plan shows every policy completely, and two queues
  # can refer to each other.
  account = data.aws_caller_identity.current.account_id
  aws     = "arn:${data.aws_partition.current.partition}"
  region  = data.aws_region.current.name
  place   = "${local.region}:${local.account}"

  arns = {
    account          = "${local.aws}:iam::${local.account}:root"
    bucket           = "${local.aws}:s3:::${local.names.bucket}"
    compaction_queue = "${local.aws}:sqs:${local.place}:${local.names.compaction_queue}"
    topic            = "${local.aws}:sns:${local.place}:${local.names.topic}"
    alarms           = "${local.aws}:cloudwatch:${local.place}:alarm:ChromaDB-*-${var.environment}"
    budgets          = "${local.aws}:budgets::${local.account}:*"
    log_groups       = [for name in values(local.log_groups) : "${local.aws}:logs:${local.place}:log-group:${name}"]
  }
}
