"""The command `receipt-sync backfill`."""

from collections.abc import Iterator
from pathlib import Path
from random import SystemRandom
from typing import Annotated

import typer

from operations.commands.load import check_reachable
from operations.commands.options import AsJson, DryRun
from operations.commands.verdict_screen import moment
from operations.commands.verify import settle_with_progress
from operations.connection import Connection
from operations.console import ends_in_a_sentence, output, print_json, progress_bars
from operations.deployment.discovery import Deployment
from operations.environment import connection_of_process
from operations.exit_codes import ExitCode
from operations.failures import explained
from operations.readers import snapshot_readers
from operations.repair.backfill import Backfill, Pace, Sent
from operations.repair.place import Place, PlaceFile
from operations.repair.wiring import changes_of
from operations.settling import Backlog, Settled, queue_backlog
from operations.table_pages import Page, PageRequest, Position, TablePages
from operations.verification import LONGEST_SECONDS
from receipt_sync.clock import SystemClock
from receipt_sync.deadline import Deadline
from receipt_sync.keys import EntityKey

_ITEMS_A_PAGE = 1_000


@ends_in_a_sentence
def backfill_command(
    rate: Annotated[
        float, typer.Option("--changes-per-second", help="Records to send per second.", min=1)
    ] = 1_000,
    most_waiting: Annotated[
        int, typer.Option(help="Send another page only below this many messages.", min=0)
    ] = 200,
    place: Annotated[
        Path, typer.Option(help="File with the position of an interrupted run.", dir_okay=False)
    ] = Path("backfill.place"),
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted run.")] = False,
    wait: Annotated[
        float, typer.Option(help="Seconds to wait for the effect, then verify.", min=0)
    ] = 0,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Send every line and word through the queue, so that the compactor recomputes their records.

    Use it for changes that the stream does not hold. The table may be older than its stream, or a
    mapping was off for more than a day. The command waits while the compactor is behind. Vectors
    come only from embedding deltas. `repair` sends those again.

    An interrupted run leaves a place file, from which --resume continues. Before the first page,
    the command checks that it can write this file, also in a dry run. --resume works for 24 hours
    after the start of that run, because the stream keeps changes for that long. Without --resume,
    every run starts from the beginning.

    Exit code 0: all records are sent (with --wait: and equal). 1: --wait was too short. 2: some
    records are not sent.

    Example: receipt-sync backfill --changes-per-second 500

    Example: receipt-sync backfill --resume

    Example: receipt-sync backfill --dry-run
    """
    connection = connection_of_process()
    with explained(connection):
        check_reachable(connection)
        settled = None
        backfill = _backfill(connection, Pace(rate, most_waiting), place)
        left = backfill.left(resume=resume)
        if dry_run:
            pages = _pages(connection, left.next if left else None)
            sent = Sent(sum(len(_records(page)) for page in pages), left.sent if left else 0)
        else:
            sent = _send(connection, backfill, left)
            settled = _settle(connection, wait) if wait else None
    if as_json:
        content = {"records": sent.now, "records_before": sent.before, "dry_run": dry_run}
        print_json({**content, "settled": settled.settled if settled else None})
    else:
        output().print(f"{sent.now:,} records {'would be ' if dry_run else ''}sent")
        if left is not None:
            output().print(f"the run of {moment(left.begun)} had sent {sent.before:,} before")
    if settled is not None and not settled.settled:
        raise typer.Exit(ExitCode.VERDICT)


class _Queue:
    """The compaction queue and its event source mappings."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def backlog(self) -> Backlog:
        return queue_backlog(self._connection.sqs, self._connection.names.compaction_queue_url)

    def is_on(self) -> bool:
        return any(one.enabled for one in Deployment(self._connection).queue_mappings)


def _backfill(connection: Connection, pace: Pace, place: Path) -> Backfill:
    table, endpoint = connection.names.table, connection.dynamodb.meta.endpoint_url
    return Backfill(
        lambda start: _pages(connection, start),
        changes_of(connection),
        _Queue(connection),
        PlaceFile(place, table, endpoint),
        SystemClock(),
        pace,
    )


def _send(connection: Connection, backfill: Backfill, left: Place | None) -> Sent:
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
    pages = TablePages(connection.dynamodb, connection.names.table, SystemRandom())
    deadline = Deadline(SystemClock(), LONGEST_SECONDS)
    return pages.read(PageRequest.of_keys(start, _ITEMS_A_PAGE), deadline)


def _records(page: Page) -> list[EntityKey]:
    return [key for key in page.entities if key.collection is not None]


def _settle(connection: Connection, seconds: float) -> Settled:
    with snapshot_readers(connection) as readers:
        return settle_with_progress(connection, readers, seconds, 0)
