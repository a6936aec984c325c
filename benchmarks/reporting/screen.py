"""Shows progress on standard error, and tables on standard output."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import Progress
from rich.table import Table as RichTable

from benchmarks.reporting.report import Cell, Report, Table
from receipt_ops.terminal import console


class Bars:
    """Shows one bar for each running step. The bar of a finished step disappears."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    @contextmanager
    def bar(self, text: str, total: float | None) -> Iterator[Callable[[float], None]]:
        """Show a bar for the block. Yield a call that advances it. `total` None: unknown."""
        task = self._progress.add_task(text, total=total)
        try:
            yield lambda amount: self._progress.advance(task, amount)
        finally:
            self._progress.remove_task(task)


@contextmanager
def progress_bars() -> Iterator[Bars]:
    """Show bars for the block."""
    with console.progress_bars() as progress:
        yield Bars(progress)


def show(report: Report) -> None:
    """Print a report's tables and notes."""
    results = console.output()
    for table in report.tables:
        results.print(rich_table(table))
    for note in report.notes:
        results.print(f"[dim]{note}[/dim]")
    results.print()


def rich_table(table: Table) -> RichTable:
    """Return a table for the terminal. The first column is left-aligned."""
    made = RichTable(title=table.title, title_justify="left")
    for number, column in enumerate(table.columns):
        made.add_column(column, justify="left" if number == 0 else "right")
    for row in table.rows:
        made.add_row(*(text_of(cell) for cell in row))
    return made


def text_of(cell: Cell) -> str:
    """Return a cell as text: three significant digits, with separated thousands."""
    if cell is None:
        return "–"
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.3g}"
    return f"{cell:,}" if isinstance(cell, int) else cell
