"""The output of snapshot versions on a terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.markup import escape
from rich.table import Table

from receipt_ops.screens.verdict import moment
from receipt_ops.snapshots.garbage import Announced, StoredObject
from receipt_ops.snapshots.kept_versions import KeptVersion
from receipt_ops.snapshots.manifests import Damaged, Published, of_snapshot
from receipt_ops.snapshots.objects import Soundness, missing
from receipt_ops.snapshots.rebuild_tasks import IndexRebuilt
from receipt_ops.snapshots.restored import Restored
from receipt_ops.terminal.console import output
from receipt_sync.keys import Collection


@dataclass(frozen=True)
class HistoryRow:
    """Holds a kept version and the state of its objects. `whole` is None without --check."""

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
        """Return the state of the objects in words."""
        if self.missing:
            return f"[red]{len(self.missing):,} are missing[/red]"
        if self.damaged:
            return f"[red]{len(self.damaged):,} are damaged[/red]"
        return "whole" if self.whole else "complete, not checked"


def row_of(kept: KeptVersion, sizes: Mapping[str, int], soundness: Soundness | None) -> HistoryRow:
    """Return the state of a version, from a listing of the bucket or also from its objects."""
    if kept.manifest is None:
        return HistoryRow(kept, [], [], whole=False)
    gone = missing(kept.manifest, sizes)
    if soundness is None:
        return HistoryRow(kept, gone, [], whole=False if gone else None)
    damaged = [name for name in soundness.damaged(kept.manifest) if name not in gone]
    return HistoryRow(kept, gone, damaged, whole=not gone and not damaged)


def print_version(collection: Collection, version: Published | Damaged | None) -> None:
    """Print the published version of a collection as a table of facts."""
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
    """Print a table with one row for each version."""
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


def rebuilt_table(done: IndexRebuilt, collection: Collection) -> Table:
    """Return a table of the version before a rebuild, and of the version after it."""
    columns = [("published" if done.after is None else "before", done.before)]
    if done.after is not None:
        columns.append(("after", done.after))
    verb = "would be rebuilt" if done.after is None else "is rebuilt"
    table = Table(title=f"the index of {collection} {verb}", title_justify="left")
    for name in ("", *(name for name, _ in columns)):
        table.add_column(name, justify="left" if not name else "right")
    for name in ("version", "records", "elements", "size"):
        figures = [f"{getattr(version, name):,}" for _, version in columns]
        table.add_row("bytes of its files" if name == "size" else name, *figures)
    return table


def restored_table(done: Restored, collection: Collection) -> Table:
    """Return a table of the versions and of the deltas that were, or would be, sent."""
    plan, resent = done.plan, done.resent
    verb = "restored" if done.published else "would be restored"
    table = Table(title=f"{collection}, {verb}", title_justify="left", show_header=False)
    table.add_column("what")
    table.add_column("is", overflow="fold")
    for name, manifest in (("this version", plan.chosen), ("replaces this one", plan.newest)):
        table.add_row(
            name,
            f"{manifest.version:,} of {moment(manifest.published_at)}, "
            f"{manifest.record_count:,} records",
        )
    if done.published:
        table.add_row("published as version", f"{done.published:,}")
    table.add_row("deltas to the queue", f"{resent.deltas:,}, with {resent.vectors:,} vectors")
    table.add_row("made since", moment(resent.since))
    if resent.refused:
        names = ", ".join(resent.refused_keys[:3])
        table.add_row("deltas that the compactor refuses", f"{resent.refused:,}: {names}")
    kept = f"{done.kept_for.days} days" if done.kept_for else "no rule deletes them"
    table.add_row("the bucket keeps deltas for", kept)
    return table


def next_step(done: Restored) -> str:
    """Return what the operator must do after a restore."""
    lost = done.lost_before
    if lost is not None:
        return (
            f"[red]The bucket no longer keeps deltas from before {moment(lost)}. So vectors from "
            "before that time that this version lacks are lost. Run `receipt-sync repair`, and "
            "embed the records that it lists.[/red]"
        )
    return "Now run `receipt-sync repair --wait 120`, then `receipt-sync verify`."


def garbage_json(
    found: Sequence[StoredObject], announced: Announced, *, dry_run: bool
) -> dict[str, Any]:
    """Return the deleted objects, and those of an earlier, failed deletion, as JSON."""
    until = announced.until
    return {
        "objects": [stored.name for stored in found],
        "bytes": sum(stored.size for stored in found),
        "announced": [stored.name for stored in announced.objects],
        "announced_until": until.isoformat() if until else None,
        "dry_run": dry_run,
    }


def print_garbage(found: Sequence[StoredObject], announced: Announced, *, dry_run: bool) -> None:
    """Print the number of deleted objects, and of those of an earlier, failed deletion."""
    verb = "would be deleted" if dry_run else "deleted"
    output().print(f"{_counted(found)} {verb}")
    if announced.objects:
        after = moment(announced.until) if announced.until else "its retention"
        output().print(
            f"[yellow]{_counted(announced.objects)} still exist[/yellow], although their deletion "
            "was announced. They stay announced until the compactor's first publish after "
            f"{after}. Run the command again after that.",
            soft_wrap=True,
        )


def _counted(objects: Sequence[StoredObject]) -> str:
    size = sum(stored.size for stored in objects)
    return f"{len(objects):,} objects of {size / 2**20:,.1f} MiB"
