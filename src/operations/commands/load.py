"""`receipt-sync load`."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from random import Random, SystemRandom
from time import monotonic
from typing import Annotated, Any

import typer
from rich.table import Table
from ulid import ULIDGenerator

from operations.connection import Connection
from operations.console import ends_in_a_sentence, notes, output, print_json, progress_bars
from operations.deltas import DeltaSender
from operations.dimensions import check_dimensions
from operations.embedding import DIMENSION, embed
from operations.environment import connection_of_process
from operations.failures import explained
from operations.loading import LoadReport, Stage, load, survey
from operations.persistence import Persistence
from operations.readers import snapshot_readers
from operations.receipts import Receipt, read_receipts
from operations.signals import uninterrupted
from operations.synthetic import synthetic_receipts
from operations.table_writer import TableWriter
from receipt_sync.clock import SystemClock

Receipts = Callable[[], Iterator[Receipt]]
"""Reads the receipts from the start, each time it is called."""

STAND_IN = "hashed character n-grams, a stand-in for your model"


@ends_in_a_sentence
def load_command(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="Receipts, one JSON object a line.", exists=True, dir_okay=False, readable=True
        ),
    ] = None,
    synthetic: Annotated[
        int | None, typer.Option(help="Make up this many receipts instead.", min=1)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the receipts that are made up.")] = 1,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the receipts and count; write nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Load receipts: items into the table, vectors through embedding deltas.

    The vectors are hashed character n-grams, a stand-in for the model that your own pipeline
    calls: they know spelling, not meaning. Loading the same receipts again rewrites them. After
    Ctrl-C, what is in the table has its vectors; the same command loads all of it again. Nothing is
    written if the published vectors have another number of dimensions than 384. --dry-run asks no
    AWS, so it does not look at them.

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
    """Load into `connection`, with a bar for each stage.

    Raises OtherDimensionError before anything is written. The published snapshots are fetched to
    know their dimension.
    """
    looking = notes().status("looking at the vectors that are published")
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
    """A writer to the connection's table."""
    return TableWriter(connection.dynamodb, connection.names.table, _persistence())


def sender_of(connection: Connection) -> DeltaSender:
    """A sender of vectors through the connection's bucket and queue."""
    names, ids = connection.names, ULIDGenerator()
    return DeltaSender(
        connection.s3,
        names.bucket,
        connection.sqs,
        names.compaction_queue_url,
        _persistence(),
        new_id=lambda: str(ids.generate()),
    )


def check_reachable(connection: Connection) -> None:
    """Ask table, bucket and queue once, so that a wrong name is found before a first write."""
    connection.dynamodb.describe_table(TableName=connection.names.table)
    connection.s3.head_bucket(Bucket=connection.names.bucket)
    connection.sqs.get_queue_attributes(
        QueueUrl=connection.names.compaction_queue_url, AttributeNames=["QueueArn"]
    )


def _persistence() -> Persistence:
    return Persistence(SystemClock(), SystemRandom())


def _receipts(file: Path | None, synthetic: int | None, seed: int) -> Receipts:
    if (file is None) == (synthetic is None):
        raise typer.BadParameter("give either a FILE or --synthetic N")
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
