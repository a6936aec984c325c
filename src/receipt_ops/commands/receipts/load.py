"""The command `receipt-sync load`."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from random import Random, SystemRandom
from time import monotonic
from typing import Annotated, Any

import typer
from rich.table import Table
from ulid import ULIDGenerator

from receipt_index.delta_sender import DeltaSender
from receipt_ops.connection import Connection
from receipt_ops.environment import connection_of_process
from receipt_ops.loading.dimensions import check_dimensions
from receipt_ops.loading.embedding import DIMENSION, embed
from receipt_ops.loading.load import LoadReport, Stage, load, survey
from receipt_ops.loading.receipts import Receipt, read_receipts
from receipt_ops.loading.synthetic import synthetic_receipts
from receipt_ops.loading.table_writer import TableWriter
from receipt_ops.readers import snapshot_readers
from receipt_ops.terminal.console import (
    ends_in_a_sentence,
    notes,
    output,
    print_json,
    progress_bars,
)
from receipt_ops.terminal.failures import explained
from receipt_ops.terminal.signals import uninterrupted
from receipt_sync.clock import SystemClock
from receipt_sync.retry_until_accepted import RetryUntilAccepted

Receipts = Callable[[], Iterator[Receipt]]
"""Reads the receipts from the start at each call."""

STAND_IN = "hashed character n-grams, a stand-in for your model"


@ends_in_a_sentence
def load_command(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="File of receipts, one JSON object in each line.",
            exists=True,
            dir_okay=False,
            readable=True,
        ),
    ] = None,
    synthetic: Annotated[
        int | None, typer.Option(help="Load this many synthetic receipts instead.", min=1)
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the synthetic receipts.")] = 1,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and count the receipts. Write nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Load receipts: write their items to the table and send their vectors as embedding deltas.

    The vectors are hashed character n-grams, a stand-in for the model of your own pipeline. They
    compare spelling, not meaning. A second load of the same receipts rewrites them. After Ctrl-C,
    all items in the table have their vectors, and the same command loads all receipts again. The
    command writes nothing if the published vectors have another dimension than 384. --dry-run does
    not call AWS, so it does not check this.

    Example: receipt-sync load receipts.jsonl

    Example: receipt-sync load --synthetic 50 --seed 1 --dry-run
    """
    receipts = _receipts(file, synthetic, seed)
    begun = monotonic()
    planned = _survey(receipts)
    if not dry_run:
        connection = connection_of_process()
        with explained(connection):
            check_reachable(connection)
            planned = load_with_progress(connection, receipts, planned)
    _show(planned, monotonic() - begun, dry_run=dry_run, as_json=as_json)


def load_with_progress(
    connection: Connection, receipts: Receipts, planned: LoadReport
) -> LoadReport:
    """Load receipts with a progress bar for each stage.

    The function first fetches the published snapshots to compare their dimension. Raises
    OtherDimensionError before it writes anything.
    """
    looking = notes().status("checking the dimension of the published vectors")
    with looking, snapshot_readers(connection) as readers:
        check_dimensions(readers, DIMENSION)
    writer, sender = writer_of(connection), sender_of(connection)
    totals = {
        Stage.ITEMS: planned.items,
        Stage.VECTORS: planned.vectors,
        Stage.STATUSES: planned.vectors,
    }
    with progress_bars() as progress:
        bars = {stage: progress.add_task(stage.value, total=n) for stage, n in totals.items()}
        return load(
            receipts(),
            writer,
            sender,
            embed,
            lambda stage, count: progress.advance(bars[stage], count),
            uninterrupted,
        )


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


def check_reachable(connection: Connection) -> None:
    """Call table, bucket and queue once, to find a wrong name before the first write."""
    connection.dynamodb.describe_table(TableName=connection.names.table)
    connection.s3.head_bucket(Bucket=connection.names.bucket)
    connection.sqs.get_queue_attributes(
        QueueUrl=connection.names.compaction_queue_url, AttributeNames=["QueueArn"]
    )


def _retry() -> RetryUntilAccepted:
    return RetryUntilAccepted(SystemClock(), SystemRandom())


def _receipts(file: Path | None, synthetic: int | None, seed: int) -> Receipts:
    if (file is None) == (synthetic is None):
        raise typer.BadParameter("a load has one source: give either a FILE or --synthetic N")
    if file is not None:
        return lambda: read_receipts(file)
    count = synthetic or 0
    return lambda: synthetic_receipts(count, Random(seed))


def _survey(receipts: Receipts) -> LoadReport:
    with progress_bars() as progress:
        bar = progress.add_task("receipts checked", total=None)
        return survey(progress.track(receipts(), task_id=bar))


def _show(report: LoadReport, seconds: float, *, dry_run: bool, as_json: bool) -> None:
    counts: dict[str, Any] = {"items": report.items, **asdict(report), "vectors": report.vectors}
    if as_json:
        print_json({**counts, "seconds": round(seconds, 3), "dry_run": dry_run})
        return
    table = Table(title="would be loaded" if dry_run else f"loaded in {seconds:.1f} s")
    table.add_column("what")
    table.add_column("count", justify="right")
    for name in ("receipts", "lines", "words", "items", "vectors", "deltas"):
        if counts[name]:
            table.add_row(name, f"{counts[name]:,}")
    output().print(table)
    output().print(f"[dim]vectors: {STAND_IN}[/dim]")
