"""Loads receipts and shows the progress."""

from collections.abc import Callable, Iterator

from receipt_ops.connection import Connection
from receipt_ops.loading.dimensions import check_dimensions
from receipt_ops.loading.embedding import DIMENSION, embed
from receipt_ops.loading.load import LoadReport, Stage, load, survey
from receipt_ops.loading.receipts import Receipt
from receipt_ops.loading.wiring import sender_of, writer_of
from receipt_ops.readers import snapshot_readers
from receipt_ops.terminal.console import notes, progress_bars
from receipt_ops.terminal.signals import uninterrupted

Receipts = Callable[[], Iterator[Receipt]]
"""Reads the receipts from the start at each call."""


def survey_with_progress(receipts: Receipts) -> LoadReport:
    """Check and count receipts with a progress bar. Raises MalformedReceiptError."""
    with progress_bars() as progress:
        bar = progress.add_task("receipts checked", total=None)
        return survey(progress.track(receipts(), task_id=bar))


def load_with_progress(
    connection: Connection, receipts: Receipts, planned: LoadReport
) -> LoadReport:
    """Load receipts with a progress bar for each stage.

    The function first fetches the published snapshots to compare their dimension. Raises
    OtherDimensionError before it writes anything.
    """
    checking = notes().status("checking the dimension of the published vectors")
    with checking, snapshot_readers(connection) as readers:
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
