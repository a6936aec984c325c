"""What each function may do: the least that its code calls, on the resources of its stack."""

from typing import Any, Final

from local.names import REGION
from local.stack import Stack

Statement = dict[str, Any]

ASSUMED_BY_LAMBDA: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def stream_processor_policy(stack: Stack) -> dict[str, Any]:
    """Reads the stream; sends to the compaction queue and to its own dead-letter queue."""
    return _policy(
        _allow(
            ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
            stack.table.stream_arn,
        ),
        _allow(["dynamodb:ListStreams"], "*"),  # knows no resources
        _allow(["sqs:SendMessage"], stack.queues.compaction.arn, stack.queues.stream_dlq.arn),
        _allow(["kms:Decrypt", "kms:GenerateDataKey"], stack.keys.queues),
        _allow(["kms:Decrypt"], stack.keys.table),
        *_logs_and_traces(stack, stack.names.stream_processor),
    )


def compactor_policy(stack: Stack) -> dict[str, Any]:
    """Reads queue, table and deltas; writes its locks, its snapshots and its dead letters."""
    bucket = f"arn:aws:s3:::{stack.names.bucket}"
    return _policy(
        _allow(
            [
                "sqs:ChangeMessageVisibility",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:ReceiveMessage",
            ],
            stack.queues.compaction.arn,
        ),
        _allow(["sqs:SendMessage"], stack.queues.compaction_dlq.arn),
        _allow(["dynamodb:BatchGetItem", "dynamodb:Query"], stack.table.arn),
        _locks(stack),
        _allow(["s3:ListBucket"], bucket),  # without it an absent object is 403, not 404
        _allow(["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], f"{bucket}/snapshots/*"),
        _allow(["s3:GetObject"], f"{bucket}/deltas/*"),
        _allow(["kms:Decrypt", "kms:GenerateDataKey"], stack.keys.queues, stack.keys.bucket),
        _allow(["kms:Decrypt"], stack.keys.table),
        *_logs_and_traces(stack, stack.names.compactor),
    )


def _locks(stack: Stack) -> Statement:
    """Writes to the table reach the leases, and the circuit's state, alone."""
    actions = ["DeleteItem", "GetItem", "PutItem", "UpdateItem"]
    return {
        **_allow([f"dynamodb:{action}" for action in actions], stack.table.arn),
        "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["LOCK#*"]}},
    }


def _logs_and_traces(stack: Stack, function: str) -> list[Statement]:
    group = f"arn:aws:logs:{REGION}:{_account(stack)}:log-group:/aws/lambda/{function}"
    return [
        _allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"{group}:log-stream:*"),
        _allow(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "*"),  # know no resources
    ]


def _account(stack: Stack) -> str:
    return stack.table.arn.split(":")[4]


def _policy(*statements: Statement) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(actions: list[str], *resources: str) -> Statement:
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources)}
