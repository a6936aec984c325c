"""The command `receipt-sync stress`."""

from typing import Annotated

import typer
from rich.table import Table

from receipt_ops.commands.options import MOST_RATE, MOST_SECONDS, AsJson, DryRun
from receipt_ops.environment import connection_of_process
from receipt_ops.probes.stress import StressReport
from receipt_ops.probes.tasks import StressLoad, check_stress, stress
from receipt_ops.terminal.console import ends_in_a_sentence, output, print_json
from receipt_ops.terminal.exit_codes import ExitCode
from receipt_ops.terminal.failures import explained
from receipt_ops.verification.settling import Settled

_RECEIPTS = 10


@ends_in_a_sentence
def stress_command(
    rate: Annotated[
        float,
        typer.Option(
            "--changes-per-second", help="Changes to write per second.", min=0.1, max=MOST_RATE
        ),
    ] = 50,
    seconds: Annotated[
        float, typer.Option(help="Seconds to write changes.", min=1, max=MOST_SECONDS)
    ] = 30,
    receipts: Annotated[int, typer.Option(help="Number of test receipts.", min=1)] = _RECEIPTS,
    timeout: Annotated[
        float,
        typer.Option(help="Most seconds until the backlog is applied.", min=1, max=MOST_SECONDS),
    ] = 300,
    seed: Annotated[int, typer.Option(help="Seed of the receipts and the edits.")] = 1,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Write changes at a steady rate, wait for the backlog, and verify.

    The command changes its own test receipts and deletes them at the end. It writes to the real
    table and puts load on the real system. Do not run it in production without the agreement of its
    operators. For larger loads and plots, use `make load`.

    Exit code 0: settled without a difference. 1: differences are left. 2: the test failed to run.

    Example: receipt-sync stress --changes-per-second 100 --seconds 60
    """
    connection = connection_of_process()
    load = StressLoad(rate, seconds, receipts, seed)
    with explained(connection):
        if dry_run:
            check_stress(connection, load, timeout)
            _show_plan(round(rate * seconds), receipts, as_json=as_json)
            return
        report, settled, took = stress(connection, load, timeout)
    _show(report, settled, took, as_json=as_json)
    if not settled.settled:
        raise typer.Exit(ExitCode.VERDICT)


def _show_plan(changes: int, receipts: int, *, as_json: bool) -> None:
    if as_json:
        print_json({"changes": changes, "receipts": receipts, "dry_run": True})
    else:
        output().print(f"would write {changes:,} changes to {receipts} receipts")


def _show(report: StressReport, settled: Settled, took: float, *, as_json: bool) -> None:
    verdict = settled.verdict
    if as_json:
        ended = {"settled": settled.settled, "settled_after": round(took, 3)}
        print_json({**report.to_json(), **ended, "verdict": verdict.to_json()})
        return
    table = Table(title="stress", title_justify="left", show_header=False)
    table.add_column("what")
    table.add_column("is", justify="right")
    table.add_row("changes written", f"{report.written:,}")
    table.add_row("changes a second", f"{report.achieved:.1f} of {report.asked:g}")
    table.add_row("messages that waited at most", f"{report.most_waiting:,}")
    table.add_row("seconds until settled", f"{took:.1f}" if settled.settled else "not settled")
    table.add_row("differences", f"{verdict.faults:,}")
    output().print(table)
