"""Lose the answer of every AWS call: python -m tests.reliability.lost_answers."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, TextIO

import typer
from rich.console import Console
from rich.table import Table

from receipt_ops.terminal.console import progress_bars
from tests.reliability.lost_answers.campaign import NAMES, Report, run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    scenario: Annotated[
        list[str] | None, typer.Option(help=f"Which to run: {', '.join(NAMES)}.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Each kind of call once, under a minute.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Perform each call, lose its answer, and compare everything with the table afterwards.

    Exit status: 0 the system survived every loss, 1 it did not.

    Example: python -m tests.reliability.lost_answers --scenario "compactor, next version"
    """
    unknown = [name for name in scenario or () if name not in NAMES]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]}: give one of {', '.join(NAMES)}")
    with _quiet_functions() as out, progress_bars() as progress:
        bar = progress.add_task("")
        report = run(
            scenario or NAMES,
            quick=quick,
            on_progress=lambda now, done, total: progress.update(
                bar, description=now, completed=done, total=total or None
            ),
        )
        _print(report, out, as_json=as_json)
    raise typer.Exit(0 if report.held else 1)


@contextmanager
def _quiet_functions() -> Iterator[TextIO]:
    """Discard the logs of the functions. Yield a stream for the output of the command."""
    sys.stdout.flush()
    ours = os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    try:
        yield ours
    finally:
        sys.stdout.flush()
        ours.flush()
        os.dup2(ours.fileno(), 1)


def _print(report: Report, out: TextIO, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(report.to_json()), file=out)
        return
    table = Table("scenario", "call", "lost", "requests", "s", "outcome", "wrong")
    for one in report.trials:
        call = f"{one.call}, {one.number}" if one.number > 1 else one.call
        counts = (f"{one.lost} of {1 + one.repeated}", f"{one.seconds:g}")
        table.add_row(one.scenario, call, one.mode, *counts, one.outcome, "; ".join(one.wrong))
    console = Console(file=out, width=200)
    console.print(table)
    for sentence in report.broken:
        console.print(sentence)
    console.print(f"{len(report.trials)} answers lost, {len(report.failed)} not survived")


if __name__ == "__main__":
    app()
