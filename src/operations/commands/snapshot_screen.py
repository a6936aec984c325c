"""Versions of snapshots on a terminal."""

from typing import Any

from rich.markup import escape
from rich.table import Table

from operations.commands.verdict_screen import moment
from operations.console import output
from operations.snapshots.history import KeptVersion
from operations.snapshots.manifests import Damaged, Published, of_snapshot
from receipt_sync.keys import Collection


def row_of(kept: KeptVersion, complete: bool) -> dict[str, Any]:
    """A kept version for programs."""
    facts = of_snapshot(kept.manifest).to_json() if kept.manifest else {"version": None}
    return {**facts, "version_id": kept.version_id, "whole": complete}


def print_version(collection: Collection, version: Published | Damaged | None) -> None:
    """What is published of a collection, a row a fact."""
    if version is None:
        output().print(f"{collection}: nothing is published")
        return
    if isinstance(version, Damaged):
        output().print(f"[red]{collection}: damaged[/red]: {escape(version.reason)}")
        return
    table = Table(title=str(collection), title_justify="left", show_header=False)
    table.add_column("what")
    table.add_column("is")
    for name, value in version.to_json().items():
        shown = f"{value:,}" if isinstance(value, int) else escape(str(value))
        table.add_row(name.replace("_", " "), shown)
    output().print(table)


def print_history(collection: Collection, shown: list[KeptVersion], complete: set[str]) -> None:
    """A row a version."""
    table = Table(title=f"{collection}, newest first", title_justify="left")
    for name in ("version", "published", "records", "packs", "writer", "whole"):
        table.add_column(name)
    for kept in shown:
        manifest = kept.manifest
        if manifest is None:
            table.add_row("[red]unreadable[/red]", "", "", "", "", "no")
            continue
        table.add_row(
            str(manifest.version),
            moment(manifest.published_at),
            f"{manifest.record_count:,}",
            str(len(manifest.packs)),
            escape(manifest.writer),
            "yes" if kept.version_id in complete else "no",
        )
    output().print(table)
