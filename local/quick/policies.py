"""IAM policies with the least permissions that each function needs on its stack."""

from typing import Any, Final

from local.quick.names import REGION
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
    """Return a policy that allows reading the stream and sending to two queues.

    The queues are the compaction queue and the stream's dead-letter queue.
    """
    return _policy(
        _allow(
            ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
            stack.table.stream_arn,
        ),
        _allow(["dynamodb:ListStreams"], "*"),  # This action supports no resource-level permission.
        _allow(["sqs:SendMessage"], stack.queues.compaction.arn, stack.queues.stream_dlq.arn),
        _allow(["kms:Decrypt", "kms:GenerateDataKey"], stack.keys.queues),
        _allow(["kms:Decrypt"], stack.keys.table),
        *_logs_and_traces(stack, stack.names.stream_processor),
    )


def compactor_policy(stack: Stack) -> dict[str, Any]:
    """Return a policy for the compactor's reads and writes.

    It reads the queue, the table and deltas. It writes locks, snapshots and dead letters.
    """
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
        _allow(["s3:ListBucket"], bucket),  # Without it, an absent object gives 403, not 404.
        _allow(["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], f"{bucket}/snapshots/*"),
        _allow(["s3:GetObject"], f"{bucket}/deltas/*"),
        _allow(["kms:Decrypt", "kms:GenerateDataKey"], stack.keys.queues, stack.keys.bucket),
        _allow(["kms:Decrypt"], stack.keys.table),
        *_logs_and_traces(stack, stack.names.compactor),
    )


def _locks(stack: Stack) -> Statement:
    """Return a statement that limits writes to the table to the leases and the circuit's state."""
    actions = ["DeleteItem", "GetItem", "PutItem", "UpdateItem"]
    return {
        **_allow([f"dynamodb:{action}" for action in actions], stack.table.arn),
        "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["LOCK#*"]}},
    }


def _logs_and_traces(stack: Stack, function: str) -> list[Statement]:
    group = f"arn:aws:logs:{REGION}:{_account(stack)}:log-group:/aws/lambda/{function}"
    return [
        _allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"{group}:log-stream:*"),
        # These actions support no resource-level permission.
        _allow(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "*"),
    ]


def _account(stack: Stack) -> str:
    return stack.table.arn.split(":")[4]


def _policy(*statements: Statement) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(actions: list[str], *resources: str) -> Statement:
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources)}
