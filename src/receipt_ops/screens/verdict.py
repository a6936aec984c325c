"""The output of a verdict on a terminal."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rich.markup import escape
from rich.table import Table

from receipt_ops.terminal.console import output
from receipt_ops.verification.verdict import CollectionCounts, Example, Finding, Since, Verdict


def show_verdict(verdict: Verdict) -> None:
    """Print the counts, the examples, and the verdict in words."""
    console = output()
    console.print(verdict_table(verdict))
    for example in verdict.examples:
        console.print(_in_words(example), soft_wrap=True)
    for note in _notes(verdict):
        console.print(f"[yellow]{note}[/yellow]", soft_wrap=True)
    if verdict.is_equal:
        console.print("[green]table and snapshot agree[/green]")
    else:
        console.print(f"[red]{verdict.faults:,} differences[/red]")


def _notes(verdict: Verdict) -> Iterator[str]:
    if verdict.changing:
        yield (
            f"{verdict.changing:,} entities changed too often for a decision: run the command "
            "again when the traffic is lower"
        )
    if verdict.unchecked:
        yield (
            f"{verdict.unchecked:,} differences were compared only once, because there are too many"
        )


def verdict_table(verdict: Verdict) -> Table:
    """Return a table of counts, with a column for each collection."""
    table = Table(title=f"table against snapshot, {verdict.seconds:.1f} s", title_justify="left")
    table.add_column("")
    of_collections = verdict.counts.values()
    for collection in verdict.counts:
        table.add_column(str(collection), justify="right")
    table.add_row("published", *(moment(counts.published_at) for counts in of_collections))
    table.add_row("version", *(f"{counts.version:,}" for counts in of_collections))
    table.add_row("records", *(f"{counts.records:,}" for counts in of_collections))
    table.add_row("elements of the graph", *map(_elements, of_collections), end_section=True)
    for finding in Finding:
        table.add_row(
            finding.value, *(f"{counts.findings[finding]:,}" for counts in of_collections)
        )
    table.add_row("stale", *(f"{counts.stale:,}" for counts in of_collections))
    return table


def moment(at: datetime | None) -> str:
    """Return a time in UTC as text; "never" for None."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else "never"


def _elements(counts: CollectionCounts) -> str:
    return "" if counts.elements is None else f"{counts.elements:,}"


def _in_words(example: Example) -> str:
    fields = ", ".join(
        f"{name} is {_shown(value.snapshot)}, should be {_shown(value.table)}"
        for name, value in example.fields.items()
    )
    colour = "yellow" if example.finding is Finding.PENDING else "red"
    head = f"[{colour}]{example.finding}[/{colour}] {escape(example.id)}"
    parts = [escape(part) for part in (fields, _since(example.since)) if part]
    return f"{head}: {'; '.join(parts)}" if parts else head


def _since(since: Since | None) -> str:
    if since is None:
        return ""
    earlier = " or earlier" if since.or_earlier else ""
    return f"unchanged since version {since.version}{earlier}, {moment(since.published_at)}"


def _shown(value: Any) -> str:
    text = "absent" if value is None else repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
