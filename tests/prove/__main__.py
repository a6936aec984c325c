"""python -m tests.prove: run all parts of the proof, or some, and write docs/reliability.md."""

import time
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn
from rich.table import Table

from tests.prove.commands import PartFailedError
from tests.prove.document import write
from tests.prove.parts import LONG, PARTS
from tests.prove.results import Result, save, saved

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    parts: Annotated[
        list[str] | None,
        typer.Argument(
            help=f"Of {', '.join(PARTS)}, which are the default, and {', '.join(LONG)}."
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A few minutes instead of forty.")] = False,
    go_on: Annotated[
        bool, typer.Option("--go-on", help="Only what has no result in build/prove/ yet.")
    ] = False,
) -> None:
    """Try to break the system in every way that is known, and write down what was lost.

    Results are kept by part under build/prove/, so that one part can be run again alone.
    Exit status: 0 nothing was lost, 1 something was, 2 a part could not be run.

    Example: python -m tests.prove outages soak
    """
    unknown = [name for name in parts or () if name not in PARTS | LONG]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]}: give some of {', '.join(PARTS | LONG)}")
    wanted = [name for name in parts or PARTS if not (go_on and saved(name))]
    failures = _prove(wanted, quick=quick)
    results = {name: found for name in PARTS | LONG if (found := saved(name))}
    write(results, long=LONG)
    _show(results)
    for sentence in failures:
        typer.echo(f"prove: {sentence}", err=True)
    if failures:
        raise typer.Exit(2)
    raise typer.Exit(1 if any(result.lost for result in results.values()) else 0)


def _prove(wanted: list[str], *, quick: bool) -> list[str]:
    """Run the parts; says which could not be run, and why, for the others are worth having."""
    failures = []
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("", total=len(wanted))
        for name in wanted:
            progress.update(bar, description=name)
            begun = time.monotonic()
            try:
                rows = (PARTS | LONG)[name](quick)
            except PartFailedError as error:
                failures.append(f"{name}: {error}")
            else:
                save(Result(name, rows, quick, round(time.monotonic() - begun, 1)))
            progress.advance(bar)
    return failures


def _show(results: dict[str, Result]) -> None:
    table = Table("part", "tries", "faults injected", "lost", "seconds", "when")
    for name, result in results.items():
        tries, faults = (sum(getattr(row, n) for row in result.rows) for n in ("tries", "faults"))
        numbers = (f"{tries:,}", f"{faults:,}", f"{result.lost:,}", f"{result.seconds:g}")
        table.add_row(name, *numbers, result.date)
    Console().print(table)


if __name__ == "__main__":
    app()
