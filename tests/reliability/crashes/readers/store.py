"""A snapshot store in a folder, which the processes of a campaign share."""

import os
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from receipt_index.snapshot.store.snapshot_store import Absent, FetchedManifest, NotModified
from receipt_sync.errors import PublishRefusedError, SnapshotDamagedError


class FolderStore:
    """A SnapshotStore for one writer. It replaces a manifest in one step."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._manifest = folder, folder / "manifest.json"

    def manifest(self, known_etag: str | None) -> FetchedManifest | NotModified | Absent:
        if not self._manifest.exists():
            return Absent()
        data = self._manifest.read_bytes()
        etag = _etag(data)
        return NotModified() if etag == known_etag else FetchedManifest(data, etag)

    def swap_manifest(self, data: bytes, expected_etag: str | None) -> str:
        present = _etag(self._manifest.read_bytes()) if self._manifest.exists() else None
        if present != expected_etag:
            raise PublishRefusedError("the manifest is no longer the version checked out")
        self._put(self._manifest, data)
        return _etag(data)

    def holds_objects(self) -> bool:
        return any(path.is_dir() for path in self._folder.iterdir())

    def read(self, name: str, at_most: int) -> bytes:
        path = self._folder / name
        if not path.exists():
            raise SnapshotDamagedError(f"{name} is gone")
        if path.stat().st_size > at_most:
            raise SnapshotDamagedError(f"{name} has more than {at_most} bytes")
        return path.read_bytes()

    def write(self, name: str, data: bytes) -> None:
        (self._folder / name).parent.mkdir(parents=True, exist_ok=True)
        self._put(self._folder / name, data)

    def delete(self, names: Iterable[str]) -> None:
        for name in names:
            (self._folder / name).unlink(missing_ok=True)

    def _put(self, path: Path, data: bytes) -> None:
        new = path.with_suffix(".new")
        new.write_bytes(data)
        os.replace(new, path)  # noqa: PTH105 the pathlib method is the same call


def _etag(data: bytes) -> str:
    return sha256(data).hexdigest()
