"""A byte-exact local copy of a published version, which Chroma never opens.

Opening a collection changes pages of its SQLite file, so the copy that Chroma works on can't serve
as the ground that later packs are laid over: the mirror does, and the working copy is compared
with it. It is private to one process.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from compactor.snapshot.layers import Layers
from compactor.snapshot.manifest import Manifest, read_manifest
from compactor.snapshot.materialise import check_files, way_back
from compactor.snapshot.page_table import PageTable
from compactor.snapshot.room import check_copies
from compactor.snapshot.store import Absent, FetchedManifest, SnapshotStore
from compactor.snapshot.synchronise import synchronise
from compactor.snapshot.tally import Tell, tell_nobody
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
        self._store, self._collection, self._clock = store, collection, clock
        self._layers = Layers(store, folder, tell, table)
        self._room = room or folder
        self.manifest: Manifest | None = None
        self.etag: str | None = None
        self._last: Manifest | None = None
        """The last version that was mirrored."""
        self._damage_kept_for = damage_kept_for
        self._damage: _Damage | None = None

    @property
    def folder(self) -> Path:
        """Where the files lie."""
        return self._layers.folder

    @folder.setter
    def folder(self, folder: Path) -> None:
        self._layers.folder = folder

    @property
    def version(self) -> int:
        """The version mirrored; 0 while nothing is published."""
        return self.manifest.version if self.manifest else 0

    def resume(self, known: Manifest | None, others: Sequence[Path]) -> None:
        """Take over what an earlier process left: `known` was the last version that it mirrored.

        `others` are folders that may hold pages of it. Nothing in any folder is believed yet.
        """
        self._last = known
        self._layers.resume(known, others)

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
            self._layers.lay(pack, "a pack")
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
        self.manifest, self.etag, self._layers.laid = None, None, None

    def _follow(self, got: FetchedManifest) -> None:
        manifest = read_manifest(got.data, self._collection)
        self._check_order(manifest)
        self.manifest, self.etag = None, None
        check_copies(manifest, self._room, _COPIES)
        with way_back(self._collection, manifest):
            try:
                self._layers.make(manifest)
                check_files(manifest, self.folder)
            except (NotADirectoryError, IsADirectoryError, FileExistsError):
                self._reset()
                raise
            except SnapshotDamagedError:
                if self._layers.laid == manifest:  # nothing was missing, and it does not fit
                    self._reset()
                raise
        self._is(manifest, got.etag)

    def _is(self, manifest: Manifest, etag: str) -> None:
        self.manifest, self.etag, self._last = manifest, etag, manifest
        self._layers.are(manifest)

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
                f"{last.version} and no restore says so: `receipt-sync snapshot restore` publishes "
                "a version that readers follow; to begin anew, start readers on an empty folder"
            )
