"""A byte-exact local copy of a published version, which Chroma never opens.

Opening a collection changes pages of its SQLite file, so the copy that Chroma works on can't serve
as the ground that later packs are laid over: the mirror does, and the working copy is compared
with it. It is private to one process.
"""

import shutil
from pathlib import Path

from compactor.snapshot.manifest import Manifest, read_manifest
from compactor.snapshot.materialise import apply_packs, check_files, materialise, way_back
from compactor.snapshot.pack import apply_pack
from compactor.snapshot.store import Absent, FetchedManifest, SnapshotStore
from compactor.snapshot.synchronise import synchronise
from compactor.snapshot.tally import Tally, Tell, tell_nobody
from receipt_sync.errors import SnapshotDamagedError
from receipt_sync.keys import Collection


class Mirror:
    """The files of one version under `folder`; `manifest` is None while nothing is published."""

    def __init__(
        self,
        store: SnapshotStore,
        collection: Collection,
        folder: Path,
        tell: Tell = tell_nobody,
    ) -> None:
        self._store, self._collection, self._tell = store, collection, tell
        self.folder = folder
        self.manifest: Manifest | None = None
        self.etag: str | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def version(self) -> int:
        """The version mirrored; 0 while nothing is published."""
        return self.manifest.version if self.manifest else 0

    def refresh(self) -> bool:
        """Follow the published manifest; True if it was another one than the one mirrored.

        Raises SnapshotDamagedError if what is published can't be read whole. The mirror is then
        empty and starts anew at the next call.
        """
        got = self._store.manifest(self.etag)
        if isinstance(got, Absent):
            if self.manifest is not None:
                raise SnapshotDamagedError(
                    f"the manifest of {self._collection} is gone: "
                    "`receipt-sync snapshot restore` brings it back from the bucket's versions"
                )
            self._reset()  # what a failed first publish staged is no version
            return False
        if not isinstance(got, FetchedManifest):
            return False
        manifest = read_manifest(got.data, self._collection)
        with way_back(self._collection, manifest):
            self._follow(manifest, got.etag)
        return True

    def accept(self, manifest: Manifest, etag: str, pack: bytes | None) -> None:
        """Take over a version that this process has just published with a pack, or none."""
        self.manifest, self.etag = None, None
        if pack is not None:
            apply_pack(pack, self.folder)
        check_files(manifest, self.folder)
        self.manifest, self.etag = manifest, etag

    def stage(self, source: Path) -> str | None:
        """Become a copy of `source`, to be published as a new base; returns the tag to expect.

        Until `accept` the mirror stands for no version: a publish that fails leaves it empty.
        """
        expected, self.manifest, self.etag = self.etag, None, None
        synchronise(source, self.folder)
        return expected

    def _follow(self, manifest: Manifest, etag: str) -> None:
        known, self.manifest, self.etag = self.manifest, None, None
        try:
            if known and known.base == manifest.base and _continues(known, manifest):
                new = manifest.packs[len(known.packs) :]
                apply_packs(new, self.folder, self._store, Tally(len(new), tell_nobody))
                check_files(manifest, self.folder)
            else:
                materialise(manifest, self.folder, self._store, self._tell)
        except BaseException:
            self._reset()
            raise
        self.manifest, self.etag = manifest, etag

    def _reset(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)


def _continues(known: Manifest, manifest: Manifest) -> bool:
    return manifest.packs[: len(known.packs)] == known.packs
