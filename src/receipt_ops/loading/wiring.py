"""Builders of the writers that a load uses."""

from random import SystemRandom

from ulid import ULIDGenerator

from receipt_index.delta_sender import DeltaSender
from receipt_ops.connection import Connection
from receipt_ops.loading.table_writer import TableWriter
from receipt_sync.clock import SystemClock
from receipt_sync.retries.retry_until_accepted import RetryUntilAccepted


def writer_of(connection: Connection) -> TableWriter:
    """Return a writer to the connection's table."""
    return TableWriter(connection.dynamodb, connection.names.table, _retry())


def sender_of(connection: Connection) -> DeltaSender:
    """Return a sender of vectors through the connection's bucket and queue."""
    names, ids = connection.names, ULIDGenerator()
    return DeltaSender(
        connection.s3,
        names.bucket,
        connection.sqs,
        names.compaction_queue_url,
        _retry(),
        new_id=lambda: str(ids.generate()),
    )


def _retry() -> RetryUntilAccepted:
    return RetryUntilAccepted(SystemClock(), SystemRandom())
