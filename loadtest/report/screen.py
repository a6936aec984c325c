"""Prints the figures of a run as tables."""

from rich.console import Console
from rich.table import Table

from loadtest.report.figures import ALL, Figures


def show(figures: Figures, console: Console) -> None:
    """Print the figures of a run. The verification is not part of them."""
    console.print(_freshness(figures))
    console.print(_run(figures))
    if figures.reason:
        held = "none" if figures.held is None else f"{figures.held:.0f} changes a second"
        console.print(f"knee: highest rate that held: {held}. Reason for the end: {figures.reason}")


def _freshness(figures: Figures) -> Table:
    table = Table(title="Freshness: seconds from a write until the change is visible to a reader")
    table.title_justify = "left"
    table.add_column("kind of change")
    for name in ("actions", "p50", "p95", "p99", "worst", "never arrived"):
        table.add_column(name, justify="right")
    for row in figures.freshness:
        if row.name == ALL:
            table.add_section()
        times = (in_seconds(value) for value in (row.p50, row.p95, row.p99, row.worst))
        table.add_row(row.name, f"{row.actions:,}", *times, f"{row.never:,}")
    return table


def _run(figures: Figures) -> Table:
    table = Table(show_header=False)
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in summary(figures):
        table.add_row(name, value)
    return table


def summary(figures: Figures) -> list[tuple[str, str]]:
    """Return the names and values of all figures except freshness."""
    backlog = figures.backlog
    return [
        ("seconds of writing", f"{figures.seconds:.1f}"),
        ("changes written", f"{figures.changes:,}"),
        ("changes a second", f"{figures.rate:.1f}"),
        ("vectors sent", f"{figures.vectors:,}"),
        ("irrelevant writes", f"{figures.irrelevant:,}"),
        ("failed writes", f"{figures.failures:,}"),
        ("never arrived", f"{figures.never:,}"),
        ("changes not yet visible, mean", f"{backlog.mean_outstanding:.0f}"),
        ("changes not yet visible, maximum", f"{backlog.most_outstanding:,}"),
        ("messages in the queue, maximum", f"{backlog.most_messages:,}"),
        ("seconds until all was visible", in_seconds(backlog.seconds_to_settle)),
        ("p95 of the first quarter", in_seconds(figures.early_p95)),
        ("p95 of the last quarter", in_seconds(figures.late_p95)),
    ]


def in_seconds(value: float | None) -> str:
    """Return seconds with two decimals, or a dash for None."""
    return "–" if value is None else f"{value:.2f}"
