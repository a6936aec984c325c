"""A byte-exact local copy of a published version, which Chroma never opens.

Opening a collection changes pages of its SQLite file, so the copy that Chroma works on can't serve
as the ground that later packs are laid over: the mirror does, and the working copy is compared
with it. It is private to one process.
"""

import shutil
from pathlib import Path

from compactor.snapshot.base import restore_base
from compactor.snapshot.compression import digest_of
from compactor.snapshot.manifest import Manifest, pack_name, read_manifest
from compactor.snapshot.pack import apply_pack
from compactor.snapshot.pages import list_files
from compactor.snapshot.store import Absent, FetchedManifest, SnapshotStore
from compactor.snapshot.synchronise import synchronise
from receipt_sync.errors import SnapshotDamagedError
from receipt_sync.keys import Collection


class Mirror:
    """The files of one version under `folder`; `manifest` is None while nothing is published."""

    def __init__(self, store: SnapshotStore, collection: Collection, folder: Path) -> None:
        self._store, self._collection = store, collection
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
                    "restore it from the bucket's versions"
                )
            return False
        if not isinstance(got, FetchedManifest):
            return False
        self._follow(read_manifest(got.data, self._collection), got.etag)
        return True

    def accept(self, manifest: Manifest, etag: str, pack: bytes | None) -> None:
        """Take over a version that this process has just published with a pack, or none."""
        self.manifest, self.etag = None, None
        if pack is not None:
            apply_pack(pack, self.folder)
        self._check(manifest)
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
                self._apply_packs(manifest, start=len(known.packs))
            else:
                self._reset()
                self._restore(manifest)
            self._check(manifest)
        except BaseException:
            self._reset()
            raise
        self.manifest, self.etag = manifest, etag

    def _restore(self, manifest: Manifest) -> None:
        restore_base(manifest.base, self.folder, self._store)
        self._apply_packs(manifest, start=0)

    def _apply_packs(self, manifest: Manifest, start: int) -> None:
        for reference in manifest.packs[start:]:
            data = self._store.read(pack_name(reference.digest))
            if len(data) != reference.size or digest_of(data) != reference.digest:
                raise SnapshotDamagedError(
                    f"pack {reference.digest[:12]} is not what its name says"
                )
            apply_pack(data, self.folder)

    def _check(self, manifest: Manifest) -> None:
        sizes = {name: path.stat().st_size for name, path in list_files(self.folder).items()}
        if sizes != manifest.files:
            raise SnapshotDamagedError(
                f"the files of {self._collection} version {manifest.version} do not have the sizes "
                "that the manifest names"
            )

    def _reset(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)


def _continues(known: Manifest, manifest: Manifest) -> bool:
    return manifest.packs[: len(known.packs)] == known.packs
