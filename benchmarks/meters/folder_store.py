"""Keeps a snapshot's objects in a folder, from which a bucket is filled."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from receipt_index.snapshot.store.snapshot_store import Absent, FetchedManifest, NotModified
from receipt_sync.errors import PublishRefusedError, SnapshotDamagedError


class FolderStore:
    """A SnapshotStore below `root`, for one process at a time."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def manifest(self, known_etag: str | None) -> FetchedManifest | NotModified | Absent:
        try:
            data = self._manifest.read_bytes()
        except FileNotFoundError:
            return Absent()
        etag = _etag(data)
        return NotModified() if etag == known_etag else FetchedManifest(data, etag)

    def swap_manifest(self, data: bytes, expected_etag: str | None) -> str:
        present = self.manifest(None)
        if expected_etag != (present.etag if isinstance(present, FetchedManifest) else None):
            raise PublishRefusedError(f"{self._manifest} is no longer the version checked out")
        self._root.mkdir(parents=True, exist_ok=True)  # version 0 is written before any object
        self._manifest.write_bytes(data)
        return _etag(data)

    def holds_objects(self) -> bool:
        return any(path != self._manifest for _, path in self.objects())

    def read(self, name: str, at_most: int) -> bytes:  # noqa: ARG002
        try:
            return (self._root / name).read_bytes()
        except FileNotFoundError as error:
            raise SnapshotDamagedError(f"{self._root / name} is gone") from error

    def write(self, name: str, data: bytes) -> None:
        path = self._root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def delete(self, names: Iterable[str]) -> None:
        for name in names:
            (self._root / name).unlink(missing_ok=True)

    def objects(self) -> Iterator[tuple[str, Path]]:
        """Yield the name and file of every object, the manifest last."""
        for path in sorted(self._root.rglob("*")):
            if path.is_file() and path != self._manifest:
                yield path.relative_to(self._root).as_posix(), path
        yield self._manifest.name, self._manifest

    @property
    def _manifest(self) -> Path:
        return self._root / "manifest.json"


def _etag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
