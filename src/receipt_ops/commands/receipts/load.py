"""The command `receipt-sync load`."""

from dataclasses import asdict
from pathlib import Path
from random import Random
from time import monotonic
from typing import Annotated, Any

import typer
from rich.table import Table

from receipt_ops.connection import check_reachable
from receipt_ops.environment import connection_of_process
from receipt_ops.loading.embedding import STAND_IN
from receipt_ops.loading.load import LoadReport
from receipt_ops.loading.receipts import read_receipts
from receipt_ops.loading.synthetic import synthetic_receipts
from receipt_ops.loading.tasks import Receipts, load_with_progress, survey_with_progress
from receipt_ops.terminal.console import ends_in_a_sentence, output, print_json
from receipt_ops.terminal.failures import explained


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
    planned = survey_with_progress(receipts)
    if not dry_run:
        connection = connection_of_process()
        with explained(connection):
            check_reachable(connection)
            planned = load_with_progress(connection, receipts, planned)
    _show(planned, monotonic() - begun, dry_run=dry_run, as_json=as_json)


def _receipts(file: Path | None, synthetic: int | None, seed: int) -> Receipts:
    if (file is None) == (synthetic is None):
        raise typer.BadParameter("a load has one source: give either a FILE or --synthetic N")
    if file is not None:
        return lambda: read_receipts(file)
    count = synthetic or 0
    return lambda: synthetic_receipts(count, Random(seed))


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
