"""The output of the demonstration."""

from collections.abc import Sequence
from typing import Final

from rich.markup import escape
from rich.table import Table

from demo.story import Step
from receipt_ops.screens.recall import mean_of
from receipt_ops.searching import Hit
from receipt_ops.terminal.console import output
from receipt_ops.verification.recall import NEIGHBOURS, SearchVerdict
from receipt_ops.verification.verdict import Finding, Verdict

_COLUMNS: Final = {"": 9, "distance": 8, "text": 8, "merchant": 8, "receipt": 8, "vector": 6}
"""Headings and minimum widths in characters. Long texts and names are shortened first."""


def show_step(
    number: int, step: Step, before: Sequence[Hit], after: Sequence[Hit], seconds: float
) -> None:
    """Print one step: the same search before and after it, and the time until readers saw it."""
    query = step.query
    table = Table(box=None, pad_edge=False, show_edge=False)
    for heading, width in _COLUMNS.items():
        table.add_column(heading, min_width=width, no_wrap=True, overflow="ellipsis")
    _add_hits(table, "before", before, "dim")
    _add_hits(table, "after", after, "")
    console = output()
    console.print(f"\n[bold]{number}  {escape(step.title)}[/]")
    console.print(
        f"   search {query.collection} for [cyan]{escape(query.text)}[/] "
        f"of [cyan]{escape(query.merchant)}[/]"
    )
    console.print(table)
    console.print(f"   visible to readers after [bold green]{seconds:.2f} s[/]")


def show_end(steps: Sequence[tuple[str, float]], verdict: Verdict, searched: SearchVerdict) -> None:
    """Print the closing table: the seconds of each step, and the figures of both verdicts."""
    table = Table(title="From a write to the table to a reader of the snapshot")
    table.add_column("step")
    table.add_column("seconds", justify="right")
    for title, seconds in steps:
        table.add_row(escape(title), f"{seconds:.2f}")
    table.add_section()
    for finding in Finding:
        table.add_row(f"verify: {finding}", f"{verdict.total(finding):,}")
    table.add_row("verify: vectors of an earlier text", f"{verdict.stale:,}")
    table.add_section()
    for collection, recall in searched.recalls.items():
        name = f"verify --search, {collection}"
        table.add_row(f"{name}: recall@{NEIGHBOURS}", mean_of(recall))
        table.add_row(f"{name}: vectors not found", f"{recall.missed:,}")
    console = output()
    console.print()
    console.print(table)
    if verdict.is_equal:
        console.print("[green]Table and snapshot agree in every record and every field.[/]")
    else:
        console.print(f"[red]Table and snapshot differ in {verdict.faults:,} records.[/]")
    if searched.is_good:
        console.print("[green]A search finds what is stored.[/]")
    else:
        console.print("[red]Searches miss what is stored: see `receipt-sync verify --search`.[/]")


def _add_hits(table: Table, when: str, hits: Sequence[Hit], style: str) -> None:
    if not hits:
        table.add_row(f"   {when}", "", "nothing", "", "", "", style=style)
    for position, hit in enumerate(hits):
        table.add_row(
            f"   {when}" if position == 0 else "",
            f"{hit.distance:.3f}",
            escape(hit.text or ""),
            escape(hit.merchant or ""),
            escape(hit.key.image_id[:8]),
            "[yellow]stale[/]" if hit.stale else "",
            style=style,
        )
