"""A byte-exact local copy of a published version, which Chroma never opens.

Opening a collection changes pages of its SQLite file, so the copy that Chroma works on can't serve
as the ground that later packs are laid over: the mirror does, and the working copy is compared
with it. It is private to one process.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from compactor.snapshot.base import restore_base
from compactor.snapshot.manifest import Manifest, PackReference, pack_name, read_manifest
from compactor.snapshot.materialise import check_files, fetched_packs, tally_of, way_back
from compactor.snapshot.pack import apply_pack
from compactor.snapshot.page_table import PageTable
from compactor.snapshot.room import check_copies
from compactor.snapshot.store import Absent, FetchedManifest, SnapshotStore
from compactor.snapshot.synchronise import synchronise
from compactor.snapshot.tally import Tally, Tell, tell_nobody
from receipt_sync.clock import Clock, SystemClock
from receipt_sync.errors import SnapshotDamagedError
from receipt_sync.keys import Collection

_SYSTEM_CLOCK: Final = SystemClock()
_COPIES: Final = 2
"""Every mirror is copied once more, for Chroma to open."""


class _Damage(NamedTuple):
    """A published version that can't be read."""

    etag: str
    reason: str
    until: float


class Mirror:
    """The files of one version under `folder`; `manifest` is None while they are of none.

    `room` is the folder that holds all copies of this process. With a `table`, the digest of each
    page is kept in it. A version that was found damaged is not fetched again for so many seconds,
    unless its manifest changes.
    """

    def __init__(
        self,
        store: SnapshotStore,
        collection: Collection,
        folder: Path,
        clock: Clock = _SYSTEM_CLOCK,
        tell: Tell = tell_nobody,
        room: Path | None = None,
        table: PageTable | None = None,
        damage_kept_for: float = 0.0,
    ) -> None:
        self._store, self._collection, self._tell = store, collection, tell
        self._clock, self._room, self._table = clock, room or folder, table
        self.folder = folder
        self.manifest: Manifest | None = None
        self.etag: str | None = None
        self._laid: Manifest | None = None
        """What the files are, perhaps with the first of its packs only; None if not known."""
        self._last: Manifest | None = None
        """The last version that was mirrored."""
        self._damage_kept_for = damage_kept_for
        self._damage: _Damage | None = None
        self._left: Manifest | None = None
        """What an earlier process left, while nothing of it was looked at yet."""
        self._others: Sequence[Path] = ()
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def version(self) -> int:
        """The version mirrored; 0 while nothing is published."""
        return self.manifest.version if self.manifest else 0

    def resume(self, known: Manifest | None, others: Sequence[Path]) -> None:
        """Take over what an earlier process left: `known` was the last version that it mirrored.

        `others` are folders that may hold pages of it. Nothing in any folder is believed yet.
        """
        self._last, self._left, self._others = known, known, others

    def refresh(self) -> bool:
        """Follow the published manifest; True if it was another one than the one mirrored.

        Raises SnapshotDamagedError if what is published can't be read whole, is gone, or is a
        version that may not follow the last one. What was fetched stays for the next call.
        """
        damage = self._present_damage()
        got = self._store.manifest(damage.etag if damage else self.etag)
        if isinstance(got, Absent):
            self._check_never_published()
            self._reset()  # what a failed first publish staged is no version
            return False
        if not isinstance(got, FetchedManifest):
            if damage:
                raise SnapshotDamagedError(damage.reason)
            return False
        try:
            self._follow(got)
        except SnapshotDamagedError as error:
            until = self._clock.monotonic() + self._damage_kept_for
            self._damage = _Damage(got.etag, str(error), until)
            raise
        self._damage = None
        return True

    def accept(self, manifest: Manifest, etag: str, pack: bytes | None) -> None:
        """Take over a version that this process has just published with a pack, or none."""
        self.forget()
        if pack is not None:
            apply_pack(pack, self.folder)
        check_files(manifest, self.folder)
        self._is(manifest, etag)

    def stage(self, source: Path) -> str | None:
        """Become a copy of `source`, to be published as a new base; returns the tag to expect.

        Until `accept` the mirror stands for no version.
        """
        expected = self.etag
        self.forget()
        synchronise(source, self.folder)
        return expected

    def forget(self) -> None:
        """Believe nothing of the files until they were compared with a base again."""
        self.manifest, self.etag, self._laid = None, None, None

    def _follow(self, got: FetchedManifest) -> None:
        manifest = read_manifest(got.data, self._collection)
        self._check_order(manifest)
        self.manifest, self.etag = None, None
        check_copies(manifest, self._room, _COPIES)
        with way_back(self._collection, manifest):
            try:
                self._make(manifest)
                check_files(manifest, self.folder)
            except (NotADirectoryError, IsADirectoryError, FileExistsError):
                self._reset()
                raise
            except SnapshotDamagedError:
                if self._laid == manifest:  # nothing was missing, and it does not fit
                    self._reset()
                raise
        self._is(manifest, got.etag)

    def _make(self, manifest: Manifest) -> None:
        """Give the files the content of a version, with as little fetching as possible."""
        if self._laid is None and self._left is not None and _continues(self._left, manifest):
            self._salvage(self._left)
        if self._laid is not None and _continues(self._laid, manifest):
            new = manifest.packs[len(self._laid.packs) :]
            self._lay(manifest, new, Tally(len(new), tell_nobody))
            if self._table is None or not self._table.wrong:
                return
        self._make_from_base(manifest)

    def _salvage(self, left: Manifest) -> None:
        """Start from what an earlier process left of a version, page by page as its digest fits."""
        self._left = None
        if self._table is not None:
            self._table.salvage(self.folder, self._others)
            self._laid = left

    def _make_from_base(self, manifest: Manifest) -> None:
        self._laid, self._left = None, None
        tally = tally_of(manifest, self._tell)
        restore_base(manifest.base, self.folder, self._store, tally, self._others)
        if self._table is not None:
            self._table.read_all(self.folder)
        self._laid = manifest.model_copy(update={"packs": ()})
        self._lay(manifest, manifest.packs, tally)

    def _lay(self, manifest: Manifest, packs: Sequence[PackReference], tally: Tally) -> None:
        """Lay packs over the files; after an error the files stand at the last one laid."""
        count = len(manifest.packs) - len(packs)
        for pack, data in fetched_packs(packs, self._store):
            self._lay_one(data, pack_name(pack.digest))
            count += 1
            self._laid = manifest.model_copy(update={"packs": manifest.packs[:count]})
            tally.one_more()
        self._laid = manifest

    def _lay_one(self, data: bytes, name: str) -> None:
        before, self._laid = self._laid, None
        try:
            header = apply_pack(data, self.folder, name)
        except SnapshotDamagedError:
            self._laid = before  # it was refused before anything was written
            raise
        if self._table is not None:
            self._table.lay(header, self.folder)

    def _is(self, manifest: Manifest, etag: str) -> None:
        self.manifest, self.etag, self._laid, self._last = manifest, etag, manifest, manifest
        self._left, self._others = None, ()

    def _reset(self) -> None:
        self._laid = None
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)

    def _present_damage(self) -> _Damage | None:
        if self._damage is not None and self._clock.monotonic() >= self._damage.until:
            self._damage = None
        return self._damage

    def _check_never_published(self) -> None:
        if self._last is not None:
            raise SnapshotDamagedError(
                f"the manifest of {self._collection} is gone: "
                "`receipt-sync snapshot restore` brings it back from the bucket's versions"
            )

    def _check_order(self, manifest: Manifest) -> None:
        last = self._last
        if last is not None and not manifest.may_follow(last):
            raise SnapshotDamagedError(
                f"version {manifest.version} of {self._collection} is published after version "
                f"{last.version} and no restore says so: `receipt-sync snapshot restore` publishes "
                "a version that readers follow; to begin anew, start readers on an empty folder"
            )


def _continues(known: Manifest, manifest: Manifest) -> bool:
    """Whether the packs of a version lie over those of a known one."""
    return known.base == manifest.base and manifest.packs[: len(known.packs)] == known.packs
