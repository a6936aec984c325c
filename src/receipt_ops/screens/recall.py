"""The output of a comparison of searches on a terminal."""

from rich.markup import escape
from rich.table import Table

from receipt_ops.terminal.console import output
from receipt_ops.verification.recall import NEIGHBOURS, RECALL_LIMIT, Recall, SearchVerdict


def show_search_verdict(verdict: SearchVerdict) -> None:
    """Print the figures, the examples, and the verdict in words."""
    console = output()
    console.print(_table(verdict))
    for recall in verdict.recalls.values():
        for chroma_id in recall.examples:
            console.print(
                f"[red]not found[/red] {escape(chroma_id)}: no search for its own vector returns "
                "a record with this vector",
                soft_wrap=True,
            )
    if verdict.is_good:
        console.print("[green]searches of this copy find what is stored[/green]")
        return
    console.print(
        f"[red]searches miss what is stored: recall@{NEIGHBOURS} must be at least {RECALL_LIMIT}, "
        "and every vector must be found[/red]",
        soft_wrap=True,
    )


def _table(verdict: SearchVerdict) -> Table:
    table = Table(
        title=f"index against exact search, {verdict.seconds:.1f} s", title_justify="left"
    )
    table.add_column("")
    recalls = verdict.recalls.values()
    for collection in verdict.recalls:
        table.add_column(str(collection), justify="right")
    table.add_row("version", *(f"{recall.version:,}" for recall in recalls))
    table.add_row("records", *(f"{recall.records:,}" for recall in recalls))
    table.add_row("distinct vectors", *(f"{recall.distinct:,}" for recall in recalls))
    table.add_row("search", *("exact" if r.is_exact else "Chroma's graph" for r in recalls))
    table.add_row("searched", *(f"{recall.searched:,}" for recall in recalls))
    table.add_row(f"recall@{NEIGHBOURS}", *map(mean_of, recalls))
    table.add_row("not found", *(f"{recall.missed:,}" for recall in recalls))
    table.add_row("without a vector", *(f"{recall.unreadable:,}" for recall in recalls))
    return table


def mean_of(recall: Recall) -> str:
    """Return recall@10 as text."""
    return "none" if recall.mean is None else f"{recall.mean:.4f}"
