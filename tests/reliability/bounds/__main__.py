"""python -m tests.reliability.bounds: worker and reader at the template's memory and disk."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tests.reliability.bounds.campaign import CASES, Result, run
from tests.reliability.bounds.limits import MIB

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    case: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(CASES)}.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes, in half a minute.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Send input larger than the memory, and check that no process dies and nothing is lost.

    Exit status: 0 every bound held, 1 otherwise.

    Example: python -m tests.reliability.bounds

    Example: python -m tests.reliability.bounds --case merchant --case reader
    """
    names = case or list(CASES)
    unknown = set(names) - set(CASES)
    if unknown:
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: no such case")
    status = Console(stderr=True)
    results = list(run(names, quick=quick, on_case=lambda name: status.print(f"case {name} …")))
    if as_json:
        print(json.dumps([result.to_json() for result in results]))
    else:
        Console().print(_table(results))
    raise typer.Exit(0 if all(result.held for result in results) else 1)


def _table(results: list[Result]) -> Table:
    table = Table("case", "messages", "memory: before → peak of MiB", "disk: peak of MiB", "s", "")
    for one in results:
        table.add_row(
            one.case,
            str(one.messages),
            f"{one.memory_before // MIB} → {one.memory_peak // MIB} of {one.memory // MIB}",
            f"{one.disk_peak // MIB} of {one.disk // MIB} ({one.disk_kind})",
            f"{one.seconds:g}",
            "; ".join(one.wrong) or one.note,
        )
    return table


app()
