"""Versions of snapshots on a terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.markup import escape
from rich.table import Table

from operations.commands.verdict_screen import moment
from operations.console import output
from operations.snapshots.history import KeptVersion
from operations.snapshots.manifests import Damaged, Published, of_snapshot
from operations.snapshots.objects import Soundness, missing
from receipt_sync.keys import Collection


@dataclass(frozen=True)
class HistoryRow:
    """A kept version, and what is known of its objects. `whole` is None if nobody has looked."""

    kept: KeptVersion
    missing: list[str]
    damaged: list[str]
    whole: bool | None

    def to_json(self) -> dict[str, Any]:
        manifest = self.kept.manifest
        facts = of_snapshot(manifest).to_json() if manifest else {"version": None}
        return {
            **facts,
            "version_id": self.kept.version_id,
            "missing": self.missing,
            "damaged": self.damaged,
            "whole": self.whole,
        }

    @property
    def in_words(self) -> str:
        """What a person should know of its objects."""
        if self.missing:
            return f"[red]{len(self.missing):,} are not there[/red]"
        if self.damaged:
            return f"[red]{len(self.damaged):,} are damaged[/red]"
        return "whole" if self.whole else "all there, not checked"


def row_of(kept: KeptVersion, sizes: Mapping[str, int], soundness: Soundness | None) -> HistoryRow:
    """What is known of a version: from a listing of the bucket alone, or from its objects too."""
    if kept.manifest is None:
        return HistoryRow(kept, [], [], whole=False)
    gone = missing(kept.manifest, sizes)
    if soundness is None:
        return HistoryRow(kept, gone, [], whole=False if gone else None)
    damaged = [name for name in soundness.damaged(kept.manifest) if name not in gone]
    return HistoryRow(kept, gone, damaged, whole=not gone and not damaged)


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


def print_history(collection: Collection, rows: Sequence[HistoryRow]) -> None:
    """A row a version."""
    table = Table(title=f"{collection}, newest first", title_justify="left")
    for name in ("version", "published", "records", "packs", "writer", "objects"):
        table.add_column(name)
    for row in rows:
        manifest = row.kept.manifest
        if manifest is None:
            table.add_row("[red]unreadable[/red]", "", "", "", "", "")
            continue
        table.add_row(
            str(manifest.version),
            moment(manifest.published_at),
            f"{manifest.record_count:,}",
            str(len(manifest.packs)),
            escape(manifest.writer),
            row.in_words,
        )
    output().print(table)
