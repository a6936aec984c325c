"""Each statement of the roles in template.yaml fits AWS's tables of actions."""

from typing import Any

import pytest

from tests.infra.policies import faults
from tests.infra.serverless.templates import overrides, resources

ACCOUNT = "000000000000"
QUEUE, TABLE = (
    f"arn:aws:sqs:us-east-1:{ACCOUNT}:queue",
    f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/t",
)
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/6f0f3c2e-3a0f-4b0a-8a53-3f0e3b3c2a11"


class HandedOver(dict[str, str]):
    """SSM parameters with plausible values."""

    def __missing__(self, name: str) -> str:
        if name.endswith("key-arn"):
            return KEY
        if name.endswith("stream-arn"):
            return f"{TABLE}/stream/2026-01-31T09:00:00.000"
        if name.endswith(("queue-arn", "dlq-arn")):
            return QUEUE
        return TABLE if name.endswith("table-arn") else "name"


@pytest.mark.parametrize("role", ["StreamProcessorRole", "CompactorRole"])
def test_iam_understands_every_statement(role: str) -> None:
    (policy,) = resources(overrides("prod"), HandedOver())[role]["Properties"]["Policies"]
    assert faults(policy["PolicyDocument"]) == []


@pytest.mark.parametrize(
    ("action", "resource", "condition", "fault"),
    [
        ("sqs:SendMessageBatch", QUEUE, None, "sqs:SendMessageBatch is no action of IAM"),
        ("dynamodb:ListStreams", TABLE, None, f"dynamodb:ListStreams is not for {TABLE}"),
        ("sqs:SendMessage", "*", None, "sqs:SendMessage is not for *"),
        ("kms:Decrypt", QUEUE, None, f"kms:Decrypt is not for {QUEUE}"),
        (
            "dynamodb:PutItem",
            TABLE,
            {"StringLike": {"dynamodb:PartitionKeys": ["LOCK#*"]}},
            "dynamodb:PartitionKeys is no condition key of dynamodb:PutItem",
        ),
    ],
)
def test_what_iam_would_not_understand_is_seen(
    action: str, resource: str, condition: Any, fault: str
) -> None:
    statement = {"Action": [action], "Resource": [resource], "Condition": condition or {}}
    assert fault in faults({"Statement": [statement]})
