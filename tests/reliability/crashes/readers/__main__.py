"""Run a campaign and print its figures: `python -m tests.reliability.crashes.readers`."""

from typing import Annotated

import typer
from rich.table import Table

from receipt_ops.terminal.console import notes, output, print_json
from tests.reliability.crashes.readers.campaign import Report, run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    kills: Annotated[int, typer.Option(help="How many readers to kill.", min=1)] = 120,
    seed: Annotated[int, typer.Option(help="Another seed, other moments and writes.")] = 1,
    lanes: Annotated[int, typer.Option(help="Stores side by side.", min=1)] = 2,
    bug: Annotated[
        str | None, typer.Option(help="Plant one of tests/reliability/crashes/readers/bugs.py.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Kill readers while they follow, start them again on their folder, and compare every record.

    Exit status: 0 if every record was served as published, 1 if one was not.

    Example: python -m tests.reliability.crashes.readers --kills 120 --seed 1
    """
    report = run(kills, seed, lanes, bug)
    if as_json:
        print_json(report.to_json())
    else:
        _show(report)
    raise typer.Exit(not report.held)


def _show(report: Report) -> None:
    counts = report.counts
    table = Table("moment", "kills", title=f"{counts.kills} kills in {report.seconds:.0f} s")
    for moment, kills in sorted(counts.by_moment.items()):
        table.add_row(moment, str(kills))
    output().print(table)
    output().print(
        f"{counts.compared:,} records compared, {counts.wrong} of them wrong, {counts.unfound} not "
        f"found, {counts.graph_misses} missed as in plain Chroma; {counts.missed} moments missed; "
        f"{counts.by_signal}; {counts.by_kind}"
    )
    for fault in counts.broken[:10]:
        notes().print(f"[red]{fault}")


if __name__ == "__main__":
    app()
