"""Run a campaign and print its figures: `python -m tests.reliability.crashes`."""

from typing import Annotated

import typer
from rich.table import Table

from receipt_ops.terminal.console import notes, output, print_json, progress_bars
from tests.reliability.crashes.campaign import Campaign, drawn, run
from tests.reliability.crashes.report import Report
from tests.reliability.crashes.rounds import Strike

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    rounds: Annotated[int, typer.Option(help="How many workers to strike.", min=1)] = 200,
    seed: Annotated[int, typer.Option(help="Another seed, other moments and writes.")] = 1,
    rate: Annotated[float, typer.Option(help="Writes a second.", min=0.1)] = 15.0,
    bug: Annotated[
        str | None, typer.Option(help="Plant one of tests/reliability/crashes/bugs.py.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Kill and stop workers on a private local AWS, then verify, and open every version.

    Exit status: 0 if strikes were made and nothing was lost, 1 otherwise.

    Example: python -m tests.reliability.crashes --rounds 200 --seed 1
    """
    campaign = Campaign(seed, rate, bug=bug)
    with progress_bars() as progress:
        bars = {}

        def on_progress(stage: str, done: int, total: int) -> None:
            if stage not in bars:
                bars[stage] = progress.add_task(stage)
            progress.update(bars[stage], completed=done, total=total or None)

        report = run(campaign, drawn(campaign, rounds), rounds, on_progress)
    if as_json:
        print_json(report.to_json())
    else:
        _show(report)
    raise typer.Exit(not report.held)


def _show(report: Report) -> None:
    title = f"{report.faults} strikes in {report.tries} rounds and {report.seconds:.0f} s"
    table = Table(title=title)
    for name in ("moment", *(strike.value for strike in Strike)):
        table.add_column(name, justify="left" if name == "moment" else "right")
    for moment, strikes in sorted(report.by_moment.items()):
        table.add_row(moment, *(str(strikes[strike.value]) for strike in Strike))
    output().print(table)
    output().print(
        f"{report.writes:,} writes, {report.embedded_again:,} of them new vectors; "
        f"{report.records:,} records at the end, {report.lost} of them wrong; "
        f"{report.versions:,} versions opened; {report.graph_misses} of {report.searches:,} "
        f"searches missed as in plain Chroma; {report.missed} moments missed; "
        f"{report.torn_persists} indexes torn; {report.refused_after_waking:,} messages given back "
        f"by woken workers; a message was received {report.most_receives} times at most"
    )
    for fault in report.broken:
        notes().print(f"[red]{fault}")


if __name__ == "__main__":
    app()
