"""Builds a backfill for a connection, runs it, and shows the progress."""

from collections.abc import Iterator
from pathlib import Path

from receipt_ops.connection import Connection
from receipt_ops.deployment.discovery import Deployment
from receipt_ops.repair.backfill import Backfill, Pace, Sent
from receipt_ops.repair.place import Place, PlaceFile, TableIdentity
from receipt_ops.repair.wiring import changes_of
from receipt_ops.table_pages import Page, PageRequest, Position
from receipt_ops.terminal.console import progress_bars
from receipt_ops.verification.settling import Backlog
from receipt_ops.verification.verify import LONGEST_SECONDS
from receipt_ops.verification.wiring import backlog_of, pages_of
from receipt_sync.clock import SystemClock
from receipt_sync.deadline import Deadline
from receipt_sync.keys import EntityKey

_ITEMS_A_PAGE = 1_000


class DeployedConsumer:
    """The compaction queue and its event source mappings, as the consumer of a backfill."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def backlog(self) -> Backlog:
        return backlog_of(self._connection)()

    def is_on(self) -> bool:
        return any(one.enabled for one in Deployment(self._connection).queue_mappings)


def backfill_of(connection: Connection, pace: Pace, place: Path) -> Backfill:
    """Return a backfill of the connection's table that notes its position in a file."""
    return Backfill(
        lambda start: _pages(connection, start),
        changes_of(connection),
        DeployedConsumer(connection),
        PlaceFile(place, _identity(connection)),
        SystemClock(),
        pace,
    )


def _identity(connection: Connection) -> TableIdentity:
    name = connection.names.table
    table = connection.dynamodb.describe_table(TableName=name)["Table"]
    return TableIdentity(name, connection.dynamodb.meta.endpoint_url, table["TableId"])


def count_records(connection: Connection, start: Position | None) -> int:
    """Return the number of records that a backfill from a position on would send."""
    return sum(len(_records(page)) for page in _pages(connection, start))


def backfill_with_progress(connection: Connection, backfill: Backfill, left: Place | None) -> Sent:
    """Run a backfill with a progress bar. `left` is the place of an interrupted run."""
    with progress_bars() as progress:
        bar = progress.add_task("records sent", total=_items(connection))

        def advance(count: int) -> None:
            progress.update(bar, advance=count, description="records sent")

        def waiting(backlog: Backlog) -> None:
            progress.update(bar, description=f"waiting: {backlog}")

        return backfill.run(left, advance, waiting)


def _items(connection: Connection) -> int | None:
    """Return the approximate number of items. DynamoDB counts them about every six hours."""
    table = connection.dynamodb.describe_table(TableName=connection.names.table)["Table"]
    return table.get("ItemCount") or None


def _pages(connection: Connection, start: Position | None) -> Iterator[Page]:
    deadline = Deadline(SystemClock(), LONGEST_SECONDS)
    return pages_of(connection).read(PageRequest.of_keys(start, _ITEMS_A_PAGE), deadline)


def _records(page: Page) -> list[EntityKey]:
    return [key for key in page.entities if key.collection is not None]
