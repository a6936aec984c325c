"""Builders of the adapters that read the table, and of the patience of a comparison."""

from collections.abc import Callable
from random import SystemRandom
from typing import Any

from compactor.cycle.dynamodb_source import DynamoDBSource
from receipt_index.reader import Readers
from receipt_ops.connection import Connection
from receipt_ops.dynamodb_table_pages import TablePages
from receipt_ops.verification.bucket_note import BucketNote
from receipt_ops.verification.settling import Backlog
from receipt_ops.verification.sqs_backlog import queue_backlog
from receipt_ops.verification.suspects import Patience
from receipt_sync.null_telemetry import NullTelemetry


def source_of(connection: Connection) -> DynamoDBSource:
    """Return the connection's table with the compactor's reader."""
    client: Any = connection.dynamodb
    return DynamoDBSource(client, connection.names.table, SystemRandom(), NullTelemetry())


def pages_of(connection: Connection) -> TablePages:
    """Return a reader of the pages of the connection's table."""
    return TablePages(connection.dynamodb, connection.names.table, SystemRandom())


def backlog_of(connection: Connection) -> Callable[[], Backlog]:
    """Return a function that returns the present backlog of the compaction queue."""
    return lambda: queue_backlog(connection.sqs, connection.names.compaction_queue_url)


def note_of(connection: Connection) -> BucketNote:
    """Return the note of the last comparison in the connection's bucket."""
    return BucketNote(connection.s3, connection.names.bucket)


def patience_of(
    connection: Connection,
    readers: Readers,
    goal: float,
    report: Callable[[int], None] = lambda _: None,
) -> Patience | None:
    """Return the patience with differences; None for a goal of 0 seconds, if one look decides."""
    if goal <= 0:
        return None
    backlog = backlog_of(connection)
    return Patience(
        goal,
        lambda: sum(reader.refresh() for reader in readers.values()) > 0,
        lambda: backlog().is_empty,
        report,
    )
