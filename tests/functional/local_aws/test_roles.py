"""The real functions under the roles of the deployment."""

import json
from pathlib import Path

import numpy as np
from ulid import ULID

from local.endpoint import Request
from local.running import running
from local.stack import Stack
from receipt_index.deltas import VectorBatch, encode
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta, to_body
from tests.functional.local_aws.recorder_functions import eventually, put


def test_the_real_functions_need_no_more_than_their_roles_allow(tmp_path: Path) -> None:
    key = EntityKey("image", 1, 1)
    request = Request(enforce_iam=True)
    with running(tmp_path / "state", request=request) as stack:
        allow_what_ministack_misnames(stack)
        put(stack, key.pk, key.sk, text={"S": "TOTAL"}, embedding_status={"S": "SUCCESS"})
        put(stack, key.pk, "RECEIPT#00001#LINE#x")
        send_vector(stack, key, "TOTAL")
        store = stack.clients().s3

        def published() -> list[str]:
            objects = store.list_objects_v2(Bucket=stack.names.bucket, Prefix="snapshots/")
            return [entry["Key"] for entry in objects.get("Contents", [])]

        manifest = "snapshots/receipt_lines/manifest.json"
        eventually(lambda: manifest in published(), "the compactor publishes", seconds=60)
        eventually(lambda: waiting(stack, stack.queues.stream_dlq.url) == 1, "the key is parked")
        eventually(lambda: waiting(stack, stack.queues.compaction.url) == 0, "all is acknowledged")
        assert waiting(stack, stack.queues.compaction_dlq.url) == 0


def allow_what_ministack_misnames(stack: Stack) -> None:
    """Allow MiniStack's actions that IAM does not know. On AWS, SendMessage covers batches."""
    actions = ["sqs:SendMessageBatch", "sqs:DeleteMessageBatch"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}],
    }
    for role in (stack.names.stream_processor, stack.names.compactor):
        stack.clients().iam.put_role_policy(
            RoleName=role, PolicyName="batches", PolicyDocument=json.dumps(policy)
        )


def send_vector(stack: Stack, key: EntityKey, text: str) -> None:
    delta = Delta.of(Collection.LINES, str(ULID()), 1)
    batch = VectorBatch(delta.delta_id, (key.chroma_id,), np.ones((1, 8), np.float32), (text,))
    stack.clients().s3.put_object(
        Bucket=stack.names.bucket, Key=delta.delta_key, Body=encode(batch)
    )
    stack.clients().sqs.send_message(
        QueueUrl=stack.queues.compaction.url, MessageBody=to_body(delta)
    )


def waiting(stack: Stack, queue_url: str) -> int:
    """Return the number of messages in a queue, visible or not."""
    counts = stack.clients().sqs.get_queue_attributes(
        QueueUrl=queue_url,
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )
    return sum(map(int, counts["Attributes"].values()))
