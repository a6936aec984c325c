"""`python -m loadtest` makes a load run and judges it, or opens Locust's page."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from loadtest.endpoint import connected
from loadtest.errors import LoadError, NotBegunError
from loadtest.launching import headless, locust, with_page
from loadtest.options import HELP, Options, Shape
from loadtest.report.figures import figures_of
from loadtest.report.outcome import Outcome
from loadtest.report.page import REPORT, write_report
from loadtest.report.screen import show
from loadtest.watcher.recording import Recorded, forget, has_ended
from loadtest.writers.receipts import base_receipts
from local.screen import step
from local.state import State
from receipt_ops.connection import Connection, check_reachable
from receipt_ops.loading.load import survey
from receipt_ops.loading.receipts import Receipt
from receipt_ops.loading.tasks import load_with_progress
from receipt_ops.readers import snapshot_readers
from receipt_ops.screens.verdict import verdict_table
from receipt_ops.terminal.console import ends_in_a_sentence, notes, output, print_json
from receipt_ops.terminal.failures import explained
from receipt_ops.verification.settling import Settled
from receipt_ops.verification.tasks import settle_with_progress

FAULT_FOUND: Final = 1
PATIENCE_SECONDS: Final = 300.0
"""Wait at most this long for the writes to be published. Then verify in any case."""
_DEFAULTS: Final = Options()
_EXAMPLES: Final = 5


@ends_in_a_sentence
def load_test(  # noqa: PLR0913, PLR0917 a command's options
    rate: Annotated[float, typer.Option(help=HELP["rate"])] = _DEFAULTS.rate,
    seconds: Annotated[float, typer.Option(help=HELP["seconds"])] = _DEFAULTS.seconds,
    writers: Annotated[int, typer.Option(help=HELP["writers"])] = _DEFAULTS.writers,
    shape: Annotated[Shape, typer.Option(help=HELP["load_shape"])] = _DEFAULTS.load_shape,
    seed: Annotated[int, typer.Option(help=HELP["seed"])] = _DEFAULTS.seed,
    receipts: Annotated[str, typer.Option(help=HELP["receipts"])] = _DEFAULTS.receipts,
    base: Annotated[int, typer.Option(help=HELP["base"])] = _DEFAULTS.base,
    lines: Annotated[int, typer.Option(help=HELP["lines"])] = _DEFAULTS.lines,
    mix: Annotated[str, typer.Option(help=HELP["mix"])] = _DEFAULTS.mix,
    burst: Annotated[int, typer.Option(help=HELP["burst"])] = _DEFAULTS.burst,
    limit: Annotated[float, typer.Option(help=HELP["limit"])] = _DEFAULTS.limit,
    aws_table: Annotated[str, typer.Option(help=HELP["aws_table"])] = _DEFAULTS.aws_table,
    out: Annotated[Path, typer.Option(help=HELP["out"])] = Path(_DEFAULTS.out),
    p95: Annotated[
        float, typer.Option(help="Fail if p95 of freshness exceeds these seconds; 0: off.", min=0)
    ] = 0,
    ui: Annotated[bool, typer.Option("--ui", help="Open Locust's page and start there.")] = False,
    port: Annotated[int, typer.Option(help="Port of Locust's page.")] = 8089,
    state: Annotated[
        Path | None, typer.Option(help="Folder of the local AWS.", show_default=".local")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the target and the plan, and write nothing.")
    ] = False,
) -> None:
    """Write as a pipeline and its editors do, and time when readers see each change.

    The environment names the AWS to use.
    Without it, the run uses the local AWS, and starts it if none runs.

    Exit code 0: each write succeeded, each change arrived, table and snapshot agree.
    Exit code 1: a write, a change or the comparison failed.
    Exit code 2: the run could not be made.

    Example: python -m loadtest --rate 100 --seconds 60

    Example: python -m loadtest --shape knee --rate 20 --mix merchant=30,delete=0
    """
    options = Options(
        rate, seconds, writers, shape, seed, _absolute(receipts), base, lines, mix, burst, limit,
        aws_table, str(out.resolve()),
    )  # fmt: skip
    known = base_receipts(options)
    if dry_run:
        _print_plan(options, known, as_json)
        return
    with connected(os.environ, State.at(state), aws_table, step) as (connection, environment):
        with explained(connection):
            _load_base(connection, known)
        forget(Path(options.out))
        how = with_page(options, port) if ui else headless(options)
        if locust(options, environment, how, as_json) > FAULT_FOUND:
            raise LoadError("Locust could not make the run. Its error is printed above")
        if not has_ended(Path(options.out)):
            if not ui:
                raise NotBegunError
            notes().print("No run of the page has written anything, so there is no report.")
            return
        with explained(connection):
            settled = _settle(connection)
    outcome = _outcome(options, settled, p95)
    _show(outcome, options, as_json)
    if outcome.faults:
        raise typer.Exit(FAULT_FOUND)


def _load_base(connection: Connection, known: Sequence[Receipt]) -> None:
    check_reachable(connection)
    with step(f"{len(known)} receipts loaded"):
        load_with_progress(connection, lambda: iter(known), survey(known))
    with step("all of them published"):
        settled = _settle(connection)
    if not settled.settled:
        raise LoadError(
            f"the receipts of the start were not published after {PATIENCE_SECONDS:.0f} s: read "
            "the compactor's log"
        )


def _settle(connection: Connection) -> Settled:
    with snapshot_readers(connection) as readers:
        return settle_with_progress(connection, readers, PATIENCE_SECONDS, _EXAMPLES)


def _outcome(options: Options, settled: Settled, p95: float) -> Outcome:
    folder = Path(options.out)
    recorded = Recorded.read(folder)
    outcome = Outcome(figures_of(recorded), settled.verdict, p95)
    write_report(folder, options, recorded, outcome)
    return outcome


def _show(outcome: Outcome, options: Options, as_json: bool) -> None:
    if as_json:
        print_json(outcome.to_json())
    else:
        show(outcome.figures, output())
        output().print(verdict_table(outcome.verdict))
    for fault in outcome.faults:
        notes().print(f"[red]{fault}[/red]")
    notes().print(f"report: {Path(options.out) / REPORT}", soft_wrap=True)


def _print_plan(options: Options, known: Sequence[Receipt], as_json: bool) -> None:
    planned = survey(known)
    plan: Mapping[str, object] = {
        "target": options.aws_table or os.environ.get("AWS_ENDPOINT_URL") or "the local AWS",
        "receipts at the start": planned.receipts,
        "items at the start": planned.items,
        "vectors at the start": planned.vectors,
        "shape": options.load_shape.value,
        "seconds": options.duration,
        "changes a second": options.rate,
    }
    if as_json:
        print_json(plan)
        return
    for name, value in plan.items():
        output().print(f"{name}: {value}")


def _absolute(path: str) -> str:
    return str(Path(path).resolve()) if path else ""


def main() -> None:
    """Run the command line."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(load_test)
    app(prog_name="python -m loadtest")
