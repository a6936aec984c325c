"""The command `receipt-sync latency`."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from receipt_ops.commands.options import MOST_SECONDS, AsJson, DryRun
from receipt_ops.connection import Connection
from receipt_ops.deployment.freshness import Percentiles, percentiles
from receipt_ops.environment import connection_of_process
from receipt_ops.probes.latency import latency_receipt, measure
from receipt_ops.probes.subject import new_name
from receipt_ops.probes.wiring import checked_tools
from receipt_ops.terminal.console import ends_in_a_sentence, output, print_json, progress_bars
from receipt_ops.terminal.exit_codes import ExitCode
from receipt_ops.terminal.failures import explained
from receipt_sync.clock import SystemClock


@ends_in_a_sentence
def latency_command(
    changes: Annotated[int, typer.Option(help="Number of changes to make.", min=1)] = 20,
    limit: Annotated[
        float | None,
        typer.Option(help="Exit with 1 if the 95th percentile is above this many seconds."),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(
            help="Most seconds from a change until readers see it.", min=1, max=MOST_SECONDS
        ),
    ] = 120,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Measure the time from a write to the published snapshot, one change after another.

    The command changes its own test receipt and deletes it at the end. `receipt-sync status` shows
    the times of real changes.

    Exit code 0: measured. 1: above --limit. 2: the measurement failed.

    Example: receipt-sync latency --changes 50 --limit 30
    """
    connection = connection_of_process()
    with explained(connection):
        seconds = _measure(connection, changes, timeout, dry_run=dry_run)
    if dry_run:
        _show_plan(changes, as_json=as_json)
        return
    found = percentiles(seconds)
    if found is None:
        raise AssertionError("at least one change was made")
    if as_json:
        print_json({**asdict(found), "seconds": [round(one, 3) for one in seconds]})
    else:
        _show(found)
    if limit is not None and found.p95 > limit:
        raise typer.Exit(ExitCode.VERDICT)


def _show_plan(changes: int, *, as_json: bool) -> None:
    if as_json:
        print_json({"changes": changes, "dry_run": True})
    else:
        output().print(f"would make {changes} changes to a new test receipt")


def _measure(connection: Connection, changes: int, timeout: float, *, dry_run: bool) -> list[float]:
    """Return the seconds of each change. A dry run makes every check, and returns nothing."""
    name = new_name("latency")
    with checked_tools(connection, timeout, [latency_receipt(name)]) as tools:
        if dry_run:
            return []
        with progress_bars() as progress:
            bar = progress.add_task("changes seen", total=changes)
            return measure(tools, name, changes, SystemClock(), lambda _: progress.advance(bar))


def _show(found: Percentiles) -> None:
    title = f"from a write to a reader, {found.count:,} changes"
    table = Table(title=title, title_justify="left")
    table.add_column("")
    table.add_column("seconds", justify="right")
    for name, value in list(asdict(found).items())[1:]:
        table.add_row(name, f"{value:.2f}")
    output().print(table)
