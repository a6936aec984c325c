"""The stores outside of the function, in a folder on another disk."""

import hashlib
import time
from collections.abc import Iterable
from pathlib import Path

from receipt_index.snapshot.store.snapshot_store import Absent, FetchedManifest, NotModified
from receipt_sync.errors import PublishRefusedError, SnapshotDamagedError
from tests.reliability.crashes.readers.decoder import Version


class FolderStore:
    """SnapshotStore in a folder, so that objects take no memory. Each write takes `seconds`."""

    def __init__(self, folder: Path, seconds: float = 0.0) -> None:
        self._folder, self._seconds = folder, seconds
        folder.mkdir(parents=True, exist_ok=True)
        self._manifest = folder / "manifest"

    def manifest(self, known_etag: str | None) -> FetchedManifest | NotModified | Absent:
        if not self._manifest.exists():
            return Absent()
        data = self._manifest.read_bytes()
        return NotModified() if _etag(data) == known_etag else FetchedManifest(data, _etag(data))

    def swap_manifest(self, data: bytes, expected_etag: str | None) -> str:
        present = self.manifest(None)
        if (present.etag if isinstance(present, FetchedManifest) else None) != expected_etag:
            raise PublishRefusedError("the manifest is no longer the version checked out")
        self._manifest.write_bytes(data)
        (self._folder / "first").touch()
        return _etag(data)

    def holds_objects(self) -> bool:
        return any(path != self._manifest for path in self._folder.iterdir())

    def read(self, name: str, at_most: int) -> bytes:
        path = self._path(name)
        if not path.exists() or path.stat().st_size > at_most:
            raise SnapshotDamagedError(f"{name} is gone or too large")
        return path.read_bytes()

    def write(self, name: str, data: bytes) -> None:
        time.sleep(self._seconds)
        self._path(name).write_bytes(data)

    def delete(self, names: Iterable[str]) -> None:
        for name in names:
            self._path(name).unlink(missing_ok=True)

    def version(self) -> Version:
        """Return the present version for a decoder that shares no code with the product."""
        return Version(self._manifest.read_bytes(), lambda name: self._path(name).read_bytes())

    def _path(self, name: str) -> Path:
        return self._folder / name.replace("/", "_")


class FolderDeltas:
    """DeltaStore in a folder. Every read returns a new copy, as S3 does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, key: str, data: bytes) -> None:
        (self._folder / key.replace("/", "_")).write_bytes(data)

    def read(self, key: str) -> bytes:
        return (self._folder / key.replace("/", "_")).read_bytes()


def _etag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
