"""Builders of the adapters that read, redrive and replay dead letters."""

from random import SystemRandom

from receipt_index.reader import Readers
from receipt_ops.connection import Connection
from receipt_ops.dead_letters.delta_state import BucketDeltas
from receipt_ops.dead_letters.peeking import PEEK_SECONDS
from receipt_ops.dead_letters.queues import (
    RedriveSource,
    Which,
    as_changes,
    without_entity,
)
from receipt_ops.dead_letters.redriving import Send
from receipt_ops.dead_letters.replaying import DynamoDBStream
from receipt_ops.dead_letters.sqs_queue import SQSDeadLetterQueue
from receipt_ops.dead_letters.sqs_resending import to_the_queue
from receipt_ops.deployment.discovery import Deployment
from receipt_ops.repair.wiring import changes_of
from receipt_sync.clock import SystemClock


def redrive_sources(
    connection: Connection, deployment: Deployment, which: Which | None
) -> list[RedriveSource]:
    """Return both dead-letter queues, or only the given one."""
    wanted = [which] if which else list(Which)
    return [_source(connection, deployment, one) for one in wanted]


def _source(connection: Connection, deployment: Deployment, which: Which) -> RedriveSource:
    if which is Which.COMPACTION:
        queue = deployment.compaction_dlq
        dead_letters = SQSDeadLetterQueue(connection.sqs, queue.url)
        return RedriveSource(which, queue, dead_letters, resend_of(connection), lambda _: None)
    queue = deployment.stream_dlq
    send = as_changes(changes_of(connection), SystemClock())
    dead_letters = SQSDeadLetterQueue(connection.sqs, queue.url)
    return RedriveSource(which, queue, dead_letters, send, without_entity)


def resend_of(connection: Connection) -> Send:
    """Return a function that sends messages to the compaction queue again."""
    return to_the_queue(connection.sqs, connection.names.compaction_queue_url)


def peeked_queue_of(connection: Connection) -> SQSDeadLetterQueue:
    """Return the compaction queue. A look hides its messages from the compactor for 20 s."""
    url = connection.names.compaction_queue_url
    return SQSDeadLetterQueue(connection.sqs, url, PEEK_SECONDS)


def delta_state_of(connection: Connection, readers: Readers) -> BucketDeltas:
    """Return the delta objects of the connection's bucket."""
    return BucketDeltas(connection.s3, connection.names.bucket, readers)


def stream_of(connection: Connection) -> DynamoDBStream:
    """Return the table's stream."""
    table = connection.dynamodb.describe_table(TableName=connection.names.table)["Table"]
    return DynamoDBStream(connection.streams, SystemClock(), SystemRandom(), table["TableArn"])
