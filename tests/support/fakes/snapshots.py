"""The objects of a snapshot in memory."""

from collections.abc import Iterable

from receipt_index.snapshot.store.snapshot_store import Absent, FetchedManifest, NotModified
from receipt_sync.errors import PublishRefusedError, SnapshotDamagedError


class InMemorySnapshotStore:
    """Implements the snapshot store in memory."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.data: bytes | None = None
        self.puts = 0
        self.reads: list[str] = []
        self.failing: type[Exception] | None = None

    @property
    def etag(self) -> str:
        return f'"{self.puts}"'

    def manifest(self, known_etag: str | None) -> FetchedManifest | NotModified | Absent:
        if self.data is None:
            return Absent()
        if known_etag == self.etag:
            return NotModified()
        return FetchedManifest(self.data, self.etag)

    def swap_manifest(self, data: bytes, expected_etag: str | None) -> str:
        if self.failing is not None:
            raise self.failing
        present = None if self.data is None else self.etag
        if expected_etag != present:
            raise PublishRefusedError("the manifest is no longer the version checked out")
        self.data = data
        self.puts += 1
        return self.etag

    def holds_objects(self) -> bool:
        return bool(self.objects)

    def read(self, name: str, at_most: int) -> bytes:
        self.reads.append(name)
        if name not in self.objects:
            raise SnapshotDamagedError(f"{name} is gone")
        if len(self.objects[name]) > at_most:
            raise SnapshotDamagedError(f"{name} has more than {at_most} bytes")
        return self.objects[name]

    def write(self, name: str, data: bytes) -> None:
        self.objects[name] = data

    def delete(self, names: Iterable[str]) -> None:
        for name in names:
            self.objects.pop(name, None)
