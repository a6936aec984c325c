"""The command `receipt-sync cost`."""

import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from receipt_ops.commands.options import MOST_HOURS, AsJson
from receipt_ops.costs.counts import Counts
from receipt_ops.costs.model import PLOTTED, SCALES, Estimate, by_scale
from receipt_ops.costs.plot import plot
from receipt_ops.costs.prices import Prices
from receipt_ops.costs.tasks import count_logs
from receipt_ops.environment import connection_of_process
from receipt_ops.named_files import naming
from receipt_ops.terminal.console import ends_in_a_sentence, notes, output, print_json
from receipt_ops.terminal.failures import explained


@ends_in_a_sentence
def cost_command(
    counts: Annotated[
        Path | None, typer.Option(help="JSON file of counts to use instead of the logs.")
    ] = None,
    hours: Annotated[
        float, typer.Option(help="Hours of logs to count.", min=0.01, max=MOST_HOURS)
    ] = 24,
    save_counts: Annotated[
        Path | None, typer.Option(help="Write the counts to this file as JSON.")
    ] = None,
    prices: Annotated[
        Path | None, typer.Option(help="JSON file of prices that replace those of us-east-1.")
    ] = None,
    plot_file: Annotated[
        Path | None, typer.Option("--plot", help="Write a plot to this .svg or .png file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Estimate the cost of a month by scale, from the counts of a day, a month or a load test.

    The counts come from the metrics in the functions' logs and from Lambda's report of each
    invocation. The estimate scales them in proportion. A higher rate fills larger batches. Counts
    of a burst therefore give the lowest cost of a month, and counts of single changes give the
    highest.

    Example: receipt-sync cost --hours 720 --plot cost.svg

    Example: receipt-sync cost --counts counts.json --json
    """
    found = Counts.read(counts) if counts else _counted(timedelta(hours=hours))
    if save_counts is not None:
        with naming(save_counts):
            save_counts.write_text(json.dumps(asdict(found), indent=2) + "\n")
    asked = Prices.read(prices)
    estimates = by_scale(found, SCALES, asked)
    if plot_file is not None:
        with naming(plot_file):
            plot(by_scale(found, PLOTTED, asked), plot_file)
    if as_json:
        scales = [estimate.to_json() for estimate in estimates]
        print_json({"counts": asdict(found), "scales": scales})
    else:
        output().print(cost_table(estimates))


def cost_table(estimates: list[Estimate]) -> Table:
    """Return a table of dollars for a month, with a column for each scale."""
    table = Table(title="dollars a month, by changes a month", title_justify="left")
    table.add_column("")
    for estimate in estimates:
        table.add_column(f"{estimate.changes:,.0f}", justify="right")
    for name in estimates[0].parts:
        table.add_row(name, *(f"{estimate.parts[name]:,.2f}" for estimate in estimates))
    table.add_section()
    table.add_row("total", *(f"{estimate.total:,.2f}" for estimate in estimates))
    table.add_row("a change", *(f"{estimate.per_change:.7f}" for estimate in estimates))
    return table


def _counted(back: timedelta) -> Counts:
    connection = connection_of_process()
    with explained(connection), notes().status("counting in the logs"):
        return count_logs(connection, back)
