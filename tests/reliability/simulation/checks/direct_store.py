"""Direct access to the objects of a collection, for observers that only read."""

from collections.abc import Iterable

from receipt_index.snapshot.store.snapshot_store import Absent, FetchedManifest, NotModified
from receipt_sync.errors import SnapshotDamagedError
from receipt_sync.keys import Collection
from tests.reliability.simulation.environment.s3 import MANIFEST, ObjectStore


class DirectStore:
    """Reads the objects of a collection without a simulated network."""

    def __init__(self, store: ObjectStore, collection: Collection) -> None:
        self._store, self._prefix = store, f"snapshots/{collection}/"

    def manifest(self, known_etag: str | None) -> FetchedManifest | NotModified | Absent:
        stored = self._store.objects.get(self._prefix + MANIFEST)
        return Absent() if stored is None else FetchedManifest(stored.data, stored.etag)

    def swap_manifest(self, data: bytes, expected_etag: str | None) -> str:
        raise NotImplementedError("an observer changes nothing")

    def holds_objects(self) -> bool:
        return any(
            key.startswith(self._prefix) and not key.endswith(MANIFEST)
            for key in self._store.objects
        )

    def read(self, name: str, at_most: int) -> bytes:
        stored = self._store.objects.get(self._prefix + name)
        if stored is None:
            raise SnapshotDamagedError(f"{name} is gone")
        return stored.data

    def write(self, name: str, data: bytes) -> None:
        raise NotImplementedError("an observer changes nothing")

    def delete(self, names: Iterable[str]) -> None:
        raise NotImplementedError("an observer changes nothing")
