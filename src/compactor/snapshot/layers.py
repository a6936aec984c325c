"""The files of a version: a base, and packs laid over it in their order.

After any error the files are the base with some of its packs, or nothing is known of them. Nothing
that was fetched is thrown away: what lies in its place already is recognised by its digest.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from compactor.snapshot.base import restore_base
from compactor.snapshot.manifest import Manifest, PackReference, pack_name
from compactor.snapshot.materialise import fetched_packs, tally_of
from compactor.snapshot.pack import apply_pack
from compactor.snapshot.page_table import PageTable
from compactor.snapshot.store import SnapshotStore
from compactor.snapshot.tally import Tally, Tell, tell_nobody
from receipt_sync.errors import SnapshotDamagedError


class Layers:
    """The files under `folder`. With a `table`, the digest of each of their pages is kept in it."""

    def __init__(
        self, store: SnapshotStore, folder: Path, tell: Tell, table: PageTable | None
    ) -> None:
        self._store, self._tell, self._table = store, tell, table
        self.folder = folder
        self.laid: Manifest | None = None
        """What the files are, perhaps with the first of its packs only; None if not known."""
        self._left: Manifest | None = None
        """What an earlier process left, while nothing of it was looked at yet."""
        self._others: Sequence[Path] = ()
        folder.mkdir(parents=True, exist_ok=True)

    def resume(self, left: Manifest | None, others: Sequence[Path]) -> None:
        """Use what an earlier process left here and in `others`: perhaps pages of `left`."""
        self._left, self._others = left, others

    def make(self, manifest: Manifest) -> None:
        """Give the files the content of a version, with as little fetching as possible."""
        if self.laid is None and self._left is not None and _continues(self._left, manifest):
            self._salvage(self._left)
        if not self._continue(manifest):
            self._begin(manifest)

    def lay(self, data: bytes, name: str) -> None:
        """Lay one pack over the files. Nothing is known of them meanwhile, and after an OSError."""
        before, self.laid = self.laid, None
        try:
            header = apply_pack(data, self.folder, name)
        except SnapshotDamagedError:
            self.laid = before  # it was refused before anything was written
            raise
        if self._table is not None:
            self._table.lay(header, self.folder)

    def are(self, manifest: Manifest) -> None:
        """Take the files for those of a version, which the caller has checked."""
        self.laid, self._left, self._others = manifest, None, ()

    def reset(self) -> None:
        """Remove every file."""
        self.laid = None
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)

    def _salvage(self, left: Manifest) -> None:
        """Start from what an earlier process left, page by page as its digest fits."""
        self._left = None
        if self._table is not None:
            self._table.salvage(self.folder, self._others)
            self.laid = left

    def _continue(self, manifest: Manifest) -> bool:
        """Lay the packs that are new; False if that does not make the files the version's."""
        if self.laid is None or not _continues(self.laid, manifest):
            return False
        new = manifest.packs[len(self.laid.packs) :]
        self._lay_all(manifest, new, Tally(len(new), tell_nobody))
        return self._table is None or not self._table.wrong

    def _begin(self, manifest: Manifest) -> None:
        """Make the base, and lay all packs over it."""
        self.laid, self._left = None, None
        tally = tally_of(manifest, self._tell)
        restore_base(manifest.base, self.folder, self._store, tally, self._others)
        if self._table is not None:
            self._table.read_all(self.folder)
        self.laid = manifest.model_copy(update={"packs": ()})
        self._lay_all(manifest, manifest.packs, tally)

    def _lay_all(self, manifest: Manifest, packs: Sequence[PackReference], tally: Tally) -> None:
        """Lay packs over the files; after an error the files stand at the last one laid."""
        count = len(manifest.packs) - len(packs)
        for pack, data in fetched_packs(packs, self._store):
            self.lay(data, pack_name(pack.digest))
            count += 1
            self.laid = manifest.model_copy(update={"packs": manifest.packs[:count]})
            tally.one_more()
        self.laid = manifest


def _continues(known: Manifest, manifest: Manifest) -> bool:
    """Whether the packs of a version lie over those of a known one."""
    return known.base == manifest.base and manifest.packs[: len(known.packs)] == known.packs
