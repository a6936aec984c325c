"""The compaction queue and the two dead-letter queues."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from local.clients import Clients
from local.quick.names import DAY, Names, Options

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

Attributes: TypeAlias = "dict[QueueAttributeNameType, str]"

MESSAGE_BYTES: Final = 262_144
"""The largest message that the queues accept. The stream processor packs messages up to this
size.
"""


class Queue(NamedTuple):
    """The URL and the ARN of one queue."""

    url: str
    arn: str


@dataclass(frozen=True)
class Queues:
    """The queues of one environment."""

    compaction: Queue
    compaction_dlq: Queue
    stream_dlq: Queue


def ensure_queues(clients: Clients, names: Names, options: Options, key_arn: str) -> Queues:
    """Create or update the queues of the environment, and return them."""
    kept = _attributes(key_arn, retention_days=14)
    compaction_dlq = _ensure(clients.sqs, names.compaction_dlq, kept)
    stream_dlq = _ensure(clients.sqs, names.stream_dlq, kept)
    compaction = _ensure(
        clients.sqs,
        names.compaction_queue,
        {
            **_attributes(key_arn, retention_days=4),
            "VisibilityTimeout": str(options.visibility_timeout),
            "RedrivePolicy": json.dumps(
                {
                    "deadLetterTargetArn": compaction_dlq.arn,
                    "maxReceiveCount": options.max_receive_count,
                }
            ),
        },
    )
    _allow_redrive(clients.sqs, compaction_dlq, [compaction])
    _allow_redrive(clients.sqs, stream_dlq, [])
    return Queues(compaction, compaction_dlq, stream_dlq)


def delete_queues(clients: Clients, names: Names) -> None:
    """Delete the existing queues with their messages."""
    for name in (names.compaction_queue, names.compaction_dlq, names.stream_dlq):
        try:
            url = clients.sqs.get_queue_url(QueueName=name)["QueueUrl"]
        except clients.sqs.exceptions.QueueDoesNotExist:
            continue
        clients.sqs.delete_queue(QueueUrl=url)


def _attributes(key_arn: str, retention_days: int) -> Attributes:
    return {
        "MessageRetentionPeriod": str(retention_days * DAY),
        "ReceiveMessageWaitTimeSeconds": "20",
        "MaximumMessageSize": str(MESSAGE_BYTES),
        "KmsMasterKeyId": key_arn,
        "KmsDataKeyReusePeriodSeconds": "300",
    }


def _ensure(sqs: "SQSClient", name: str, attributes: Attributes) -> Queue:
    # The queue is created without attributes, because CreateQueue refuses an existing queue whose
    # attributes differ.
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
    got = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return Queue(url, got["Attributes"]["QueueArn"])


def _allow_redrive(sqs: "SQSClient", dlq: Queue, sources: list[Queue]) -> None:
    """Allow only the named queues to use this one as their dead-letter queue."""
    policy: dict[str, object] = {"redrivePermission": "denyAll"}
    if sources:
        policy = {
            "redrivePermission": "byQueue",
            "sourceQueueArns": [source.arn for source in sources],
        }
    sqs.set_queue_attributes(
        QueueUrl=dlq.url, Attributes={"RedriveAllowPolicy": json.dumps(policy)}
    )
