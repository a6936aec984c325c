"""`receipt-sync backfill`."""

from collections.abc import Iterator
from pathlib import Path
from random import SystemRandom
from typing import Annotated

import typer

from operations.commands.load import check_reachable
from operations.commands.options import AsJson, DryRun
from operations.commands.verify import settle_with_progress
from operations.connection import Connection
from operations.console import ends_in_a_sentence, output, print_json, progress_bars
from operations.environment import connection_of_process
from operations.exit_codes import ExitCode
from operations.failures import explained
from operations.readers import snapshot_readers
from operations.repair.backfill import Backfill, Pace, PlaceFile
from operations.repair.wiring import changes_of
from operations.settling import Settled, queue_backlog
from operations.table_pages import Page, PageRequest, Position, TablePages
from operations.verification import LONGEST_SECONDS
from receipt_sync.clock import SystemClock
from receipt_sync.deadline import Deadline
from receipt_sync.keys import EntityKey

_ITEMS_A_PAGE = 1_000


@ends_in_a_sentence
def backfill_command(
    rate: Annotated[
        float, typer.Option("--changes-per-second", help="Records to send a second.", min=1)
    ] = 1_000,
    most_waiting: Annotated[
        int, typer.Option(help="Messages that may wait before another page is sent.", min=0)
    ] = 200,
    place: Annotated[
        Path, typer.Option(help="File that remembers how far it has got.", dir_okay=False)
    ] = Path("backfill.place"),
    wait: Annotated[
        float, typer.Option(help="Seconds to wait for the effect, then verify.", min=0)
    ] = 0,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Send every line and word of the table through the queue, so that its record is computed anew.

    For what the stream has never held: a table older than its stream, or changes of a day on which
    a mapping was off. It goes on where an interrupted run has stopped, and sends no faster than
    the compactor follows. Vectors come from embedding deltas alone: `repair` sends those again.

    Exit code 0: all is sent (with --wait: and equal). 1: --wait was too short.

    Example: receipt-sync backfill --changes-per-second 500

    Example: receipt-sync backfill --dry-run
    """
    connection = connection_of_process()
    with explained(connection):
        check_reachable(connection)
        settled = None
        if dry_run:
            sent = sum(len(_records(page)) for page in _pages(connection, None))
        else:
            sent = _send(connection, Pace(rate, most_waiting), place)
            settled = _settle(connection, wait) if wait else None
    if as_json:
        content = {"records": sent, "dry_run": dry_run}
        print_json({**content, "settled": settled.settled if settled else None})
    else:
        output().print(f"{sent:,} records {'would be ' if dry_run else ''}sent")
    if settled is not None and not settled.settled:
        raise typer.Exit(ExitCode.VERDICT)


def _send(connection: Connection, pace: Pace, place: Path) -> int:
    url = connection.names.compaction_queue_url
    backfill = Backfill(
        lambda start: _pages(connection, start),
        changes_of(connection),
        lambda: queue_backlog(connection.sqs, url),
        PlaceFile(place, connection.names.table),
        SystemClock(),
        pace,
    )
    with progress_bars() as progress:
        bar = progress.add_task("records sent", total=_items(connection))
        return backfill.run(lambda count: progress.advance(bar, count))


def _items(connection: Connection) -> int | None:
    """About how many items the table has; DynamoDB counts them every six hours or so."""
    table = connection.dynamodb.describe_table(TableName=connection.names.table)["Table"]
    return table.get("ItemCount") or None


def _pages(connection: Connection, start: Position | None) -> Iterator[Page]:
    pages = TablePages(connection.dynamodb, connection.names.table, SystemRandom())
    deadline = Deadline(SystemClock(), LONGEST_SECONDS)
    return pages.read(PageRequest.of_keys(start, _ITEMS_A_PAGE), deadline)


def _records(page: Page) -> list[EntityKey]:
    return [key for key in page.entities if key.collection is not None]


def _settle(connection: Connection, seconds: float) -> Settled:
    with snapshot_readers(connection) as readers:
        return settle_with_progress(connection, readers, seconds, 0)
