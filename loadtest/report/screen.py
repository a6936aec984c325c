"""The figures of a run as tables for the terminal."""

from rich.console import Console
from rich.table import Table

from loadtest.report.figures import ALL, Figures


def show(figures: Figures, console: Console) -> None:
    """Print what a run found, but for the verification."""
    console.print(_freshness(figures))
    console.print(_run(figures))
    if figures.reason:
        held = "not even the first rate" if figures.held is None else f"{figures.held:.0f} a second"
        console.print(f"knee: {held} held; {figures.reason}")


def _freshness(figures: Figures) -> Table:
    table = Table(title="Freshness: from a write to its being visible to a reader, in seconds")
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
    table.add_column("what")
    table.add_column("value", justify="right")
    for name, value in summary(figures):
        table.add_row(name, value)
    return table


def summary(figures: Figures) -> list[tuple[str, str]]:
    """Names and values of what is no freshness."""
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
        ("changes not yet visible, most", f"{backlog.most_outstanding:,}"),
        ("messages in the queue, most", f"{backlog.most_messages:,}"),
        ("seconds until all was visible", in_seconds(backlog.seconds_to_settle)),
        ("p95 of the first quarter", in_seconds(figures.early_p95)),
        ("p95 of the last quarter", in_seconds(figures.late_p95)),
    ]


def in_seconds(value: float | None) -> str:
    """Seconds to the hundredth."""
    return "–" if value is None else f"{value:.2f}"
