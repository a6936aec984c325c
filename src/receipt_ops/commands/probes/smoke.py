"""The command `receipt-sync smoke`."""

from typing import Annotated

import typer
from rich.table import Table

from receipt_ops.commands.options import MOST_SECONDS, AsJson, DryRun
from receipt_ops.environment import connection_of_process
from receipt_ops.probes.smoke import Timing, smoke, smoke_receipt
from receipt_ops.probes.subject import new_name
from receipt_ops.probes.wiring import checked_tools
from receipt_ops.terminal.console import ends_in_a_sentence, notes, output, print_json
from receipt_ops.terminal.exit_codes import ExitCode
from receipt_ops.terminal.failures import explained
from receipt_ops.visibility import NotVisibleError
from receipt_sync.clock import SystemClock


@ends_in_a_sentence
def smoke_command(
    timeout: Annotated[
        float,
        typer.Option(
            help="Most seconds from a step until readers see it.", min=1, max=MOST_SECONDS
        ),
    ] = 120,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Send one receipt through the deployed system: insert, rename its merchant, delete.

    The command measures the time of each step from the write to the published snapshot. The test
    receipt has a new name, and the command deletes it in every case. Run it after a deployment.

    Exit code 0: readers saw all steps. 1: readers did not see a step in time. 2: the test failed to
    run.

    Example: receipt-sync smoke

    Example: receipt-sync smoke --timeout 300 --json
    """
    connection = connection_of_process()
    name = new_name("smoke")
    timings = []
    with explained(connection):
        try:
            with (
                checked_tools(connection, timeout, [smoke_receipt(name)]) as tools,
                notes().status("smoke test") as status,
            ):
                if not dry_run:
                    timings = smoke(tools, name, SystemClock(), status.update)
        except NotVisibleError as error:
            typer.echo(f"receipt-sync: {error}", err=True)
            raise typer.Exit(ExitCode.VERDICT) from error
    _show(name, timings, dry_run=dry_run, as_json=as_json)


def _show(name: str, timings: list[Timing], *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        steps = [timing.to_json() for timing in timings]
        print_json({"receipt": name, "steps": steps, "dry_run": dry_run})
    elif dry_run:
        output().print(f"would insert, rename and delete the receipt {name}")
    else:
        table = Table(title="from a write to a reader", title_justify="left")
        table.add_column("step")
        table.add_column("seconds", justify="right")
        for timing in timings:
            table.add_row(timing.step, f"{timing.seconds:.2f}")
        output().print(table)
