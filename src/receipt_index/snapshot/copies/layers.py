"""The files of a version: a base, and packs that are applied to it in order.

After an error, the files are the base with some of its packs, or their content is unknown. Nothing
that was fetched is thrown away. Content that is already in its place is recognised by its digest.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from receipt_index.snapshot.copies.base import restore_base
from receipt_index.snapshot.copies.materialise import fetched_packs, progress_of
from receipt_index.snapshot.copies.progress import OnProgress, Progress, ignore_progress
from receipt_index.snapshot.format.manifest import Manifest, PackReference, pack_name
from receipt_index.snapshot.format.pack import apply_pack
from receipt_index.snapshot.format.page_table import PageTable
from receipt_index.snapshot.store.snapshot_store import SnapshotStore
from receipt_sync.errors import SnapshotDamagedError


class Layers:
    """The files under `folder`. A `table`, if given, holds the digest of each of their pages."""

    def __init__(
        self, store: SnapshotStore, folder: Path, on_progress: OnProgress, table: PageTable | None
    ) -> None:
        self._store, self._on_progress, self._table = store, on_progress, table
        self.folder = folder
        self.applied: Manifest | None = None
        """The version that the files hold, with the packs that are applied so far. None means
        unknown.
        """
        self._left: Manifest | None = None
        """The version of which an earlier process may have left pages that are not checked yet."""
        self._others: Sequence[Path] = ()
        folder.mkdir(parents=True, exist_ok=True)

    def resume(self, left: Manifest | None, others: Sequence[Path]) -> None:
        """Note that this folder and the `others` may hold pages of `left`.

        An earlier process left these pages. They are not checked yet.
        """
        self._left, self._others = left, others

    def make(self, manifest: Manifest) -> None:
        """Give the files the content of a version, with as little fetching as possible."""
        if self.applied is None and self._left is not None and _continues(self._left, manifest):
            self._salvage(self._left)
        if not self._continue(manifest):
            self._begin(manifest)

    def apply(self, data: bytes, name: str) -> None:
        """Apply one pack to the files.

        The content of the files counts as unknown during the call, and after an OSError.
        """
        before, self.applied = self.applied, None
        try:
            header = apply_pack(data, self.folder, name)
        except SnapshotDamagedError:
            self.applied = before  # the pack was refused before anything was written
            raise
        if self._table is not None:
            self._table.note_pack(header, self.folder)

    def mark_as(self, manifest: Manifest) -> None:
        """Record that the files are those of a version. The caller has checked that."""
        self.applied, self._left, self._others = manifest, None, ()

    def reset(self) -> None:
        """Remove every file."""
        self.applied = None
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)

    def _salvage(self, left: Manifest) -> None:
        """Start from the pages that an earlier process left and whose digests match."""
        self._left = None
        if self._table is not None:
            self._table.salvage(self.folder, self._others)
            self.applied = left

    def _continue(self, manifest: Manifest) -> bool:
        """Apply the new packs; return False if the files are then not those of the version."""
        if self.applied is None or not _continues(self.applied, manifest):
            return False
        new = manifest.packs[len(self.applied.packs) :]
        self._apply_all(manifest, new, Progress(len(new), ignore_progress))
        return self._table is None or not self._table.wrong

    def _begin(self, manifest: Manifest) -> None:
        """Restore the base, and apply all packs to it."""
        self.applied, self._left = None, None
        progress = progress_of(manifest, self._on_progress)
        restore_base(manifest.base, self.folder, self._store, progress, self._others)
        if self._table is not None:
            self._table.read_all(self.folder)
        self.applied = manifest.model_copy(update={"packs": ()})
        self._apply_all(manifest, manifest.packs, progress)

    def _apply_all(
        self, manifest: Manifest, packs: Sequence[PackReference], progress: Progress
    ) -> None:
        """Apply packs in order. After an error, `applied` ends with the last applied pack."""
        count = len(manifest.packs) - len(packs)
        for pack, data in fetched_packs(packs, self._store):
            self.apply(data, pack_name(pack.digest))
            count += 1
            self.applied = manifest.model_copy(update={"packs": manifest.packs[:count]})
            progress.one_more()
        self.applied = manifest


def _continues(known: Manifest, manifest: Manifest) -> bool:
    """Return whether `manifest` has the base and all packs of `known`, and perhaps more packs."""
    return known.base == manifest.base and manifest.packs[: len(known.packs)] == known.packs
