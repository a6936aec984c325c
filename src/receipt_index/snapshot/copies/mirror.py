"""A byte-exact local copy of a published version.

Chroma changes pages of a collection's SQLite file when it opens the collection. So packs can't be
applied to the copy that Chroma works on. They are applied to the mirror, and the working copy is
compared with the mirror. A mirror is private to one process.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from receipt_index.snapshot.copies.layers import Layers
from receipt_index.snapshot.copies.materialise import (
    check_files,
    explained_damage,
    remedy_of_newest,
)
from receipt_index.snapshot.copies.progress import OnProgress, ignore_progress
from receipt_index.snapshot.copies.room import check_copies
from receipt_index.snapshot.copies.synchronise import synchronise
from receipt_index.snapshot.format.manifest import Manifest, read_manifest
from receipt_index.snapshot.format.page_table import PageTable
from receipt_index.snapshot.store.snapshot_store import Absent, FetchedManifest, SnapshotStore
from receipt_sync.clock import Clock, SystemClock
from receipt_sync.errors import SnapshotDamagedError
from receipt_sync.keys import Collection

_SYSTEM_CLOCK: Final = SystemClock()
_COPIES: Final = 2
"""The mirror, and the copy of it that Chroma opens."""


class _Damage(NamedTuple):
    """A published version that can't be read. It is not fetched again before `until`."""

    etag: str
    reason: str
    until: float


class Mirror:
    """The files of one version under `folder`. `manifest` is None while they are of no version.

    `room` is the folder that holds all copies of this process. A `table`, if given, holds the
    digest of each page. A version that was found damaged is not fetched again for `damage_kept_for`
    seconds, unless its manifest changes.
    """

    def __init__(
        self,
        store: SnapshotStore,
        collection: Collection,
        folder: Path,
        clock: Clock = _SYSTEM_CLOCK,
        on_progress: OnProgress = ignore_progress,
        room: Path | None = None,
        table: PageTable | None = None,
        damage_kept_for: float = 0.0,
    ) -> None:
        self._store, self._collection, self._clock = store, collection, clock
        self._layers = Layers(store, folder, on_progress, table)
        self._room = room or folder
        self.manifest: Manifest | None = None
        self.etag: str | None = None
        self._last: Manifest | None = None
        """The last version that was mirrored."""
        self._damage_kept_for = damage_kept_for
        self._damage: _Damage | None = None

    @property
    def folder(self) -> Path:
        """Return the folder that holds the files."""
        return self._layers.folder

    @folder.setter
    def folder(self, folder: Path) -> None:
        self._layers.folder = folder

    @property
    def version(self) -> int:
        """Return the version that is mirrored; 0 while nothing is published."""
        return self.manifest.version if self.manifest else 0

    def resume(self, known: Manifest | None, others: Sequence[Path]) -> None:
        """Take over what an earlier process left. It mirrored `known` last.

        `others` are more folders that may hold pages of that version. No page of any folder is used
        before its digest is checked.
        """
        self._last = known
        self._layers.resume(known, others)

    def refresh(self) -> bool:
        """Follow the published manifest; return True if the mirrored version changed.

        Raises SnapshotDamagedError if the published version can't be read whole, is gone, or may
        not follow the last one. What was fetched is kept for the next call.
        """
        damage = self._present_damage()
        got = self._store.manifest(damage.etag if damage else self.etag)
        if isinstance(got, Absent):
            self._check_never_published()
            self._reset()  # a failed first publish may have staged files
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
        """Take over a version that this process has just published, with its pack if any."""
        self.forget()
        if pack is not None:
            self._layers.apply(pack, "a pack")
        check_files(manifest, self.folder)
        self._is(manifest, etag)

    def stage(self, source: Path) -> str | None:
        """Copy `source` into the mirror for a new base, and return the manifest tag to expect.

        The mirror holds no version until `accept`.
        """
        expected = self.etag
        self.forget()
        synchronise(source, self.folder)
        return expected

    def forget(self) -> None:
        """Treat the content of the files as unknown until they are compared with a base again."""
        self.manifest, self.etag, self._layers.applied = None, None, None

    def _follow(self, got: FetchedManifest) -> None:
        manifest = read_manifest(got.data, self._collection)
        self._check_order(manifest)
        self.manifest, self.etag = None, None
        check_copies(manifest, self._room, _COPIES)
        with explained_damage(manifest, remedy_of_newest(manifest)):
            try:
                self._layers.make(manifest)
                check_files(manifest, self.folder)
            except (NotADirectoryError, IsADirectoryError, FileExistsError):
                self._reset()
                raise
            except SnapshotDamagedError:
                if self._layers.applied == manifest:  # all packs applied; sizes differ
                    self._reset()
                raise
        self._is(manifest, got.etag)

    def _is(self, manifest: Manifest, etag: str) -> None:
        self.manifest, self.etag, self._last = manifest, etag, manifest
        self._layers.mark_as(manifest)

    def _reset(self) -> None:
        self._layers.reset()

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
                f"{last.version}, but no restore declares that: `receipt-sync snapshot restore` "
                "publishes a version that readers accept. To start over, start the readers on an "
                "empty folder"
            )
