"""`python -m benchmarks.reporting.document` writes the last results into docs/performance.md.

It replaces the text between the two markers of the page, and keeps the rest.
"""

from pathlib import Path
from typing import Any, Final

import typer

from benchmarks.errors import BenchmarkError
from benchmarks.names import Name
from benchmarks.paths import PROJECT, RESULTS
from benchmarks.reporting.plot import draw
from benchmarks.reporting.report import Table
from benchmarks.reporting.results import read_result
from benchmarks.reporting.screen import text_of
from benchmarks.reporting.targets import verdict_table, verdicts

PAGE: Final = PROJECT / "docs" / "performance.md"
PLOT: Final = PROJECT / "docs" / "performance-cycle.svg"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def rewritten(page: str, measured: str) -> str:
    """Return the page with `measured` between its markers.

    Raises:
        BenchmarkError: The page lacks a marker.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise BenchmarkError(f"the page has no {BEGIN} … {END}: add them where the tables belong")
    return f"{before}{BEGIN}\n\n{measured}\n\n{END}{after}"


def measured_part(results: list[dict[str, Any]]) -> str:
    """Return the targets, then the tables of each benchmark and the machine that measured them."""
    figures = {key: value for result in results for key, value in result["figures"].items()}
    return "\n\n".join(
        [
            markdown(verdict_table(verdicts(figures))),
            *(part for result in results for part in _parts(result)),
        ]
    )


def markdown(table: Table) -> str:
    """Return a table as Markdown, with its title above it."""
    alignment = ["---", *["---:"] * (len(table.columns) - 1)]
    rows = [table.columns, alignment, *([text_of(cell) for cell in row] for row in table.rows)]
    return "\n".join([f"**{table.title}**", "", *(f"| {' | '.join(row)} |" for row in rows)])


def _parts(result: dict[str, Any]) -> list[str]:
    return [
        f"### {result['benchmark']}",
        _circumstances(result),
        *(markdown(Table(**table)) for table in result["tables"]),
        *result["notes"],
    ]


def _circumstances(result: dict[str, Any]) -> str:
    machine = result["machine"]
    return (
        f"`{result['command']}`, {result['measured_at']}: {machine['cores']} cores "
        f"({machine['processor']}), {machine['memory_gib']} GiB, Python {machine['python']}, "
        f"load at the end {machine['load'][0]}."
    )


def _results() -> list[dict[str, Any]]:
    """Return all results below build/bench."""
    found = [read_result(name) for name in Name if (RESULTS / f"{name}.json").exists()]
    if not found:
        raise BenchmarkError("there are no results: run `make bench` or `make bench-quick`")
    return found


def document(page: Path = PAGE, plot: Path = PLOT) -> None:
    """Write the last results into docs/performance.md, and draw the cycle benchmark."""
    try:
        results = _results()
        page.write_text(rewritten(page.read_text(), measured_part(results)))
        for result in results:
            if result["benchmark"] == Name.CYCLE:
                draw(result, plot)
    except BenchmarkError as error:
        typer.echo(f"benchmarks: {error}", err=True)
        raise typer.Exit(2) from error
    typer.echo(f"{page} written from {len(results)} results")


if __name__ == "__main__":
    typer.run(document)
