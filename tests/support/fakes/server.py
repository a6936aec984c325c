"""A complete compactor for a Chroma server: one index that all workers write to."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from compactor.batch.compaction import Compactor
from compactor.cycle.cycle import Cycle
from compactor.cycle.delete_guard import DeleteGuard
from receipt_index.records import Metadata, NewVector
from receipt_index.server.target import OpenIndex, RemoteIndex, ServerTarget
from receipt_index.server.version import ServerVersion, read_version
from receipt_sync.errors import IndexUnavailableError
from receipt_sync.keys import Collection
from tests.support.fakes.index import InMemoryIndex
from tests.support.fakes.snapshots import InMemorySnapshotStore
from tests.support.fakes.system import InMemorySystem

Wrap = Callable[[ServerTarget], None]
"""Changes the methods of a target, so that a test can stop or fail there."""


class InMemoryServerIndex(InMemoryIndex):
    """One collection of a server in memory. With `down`, no write gets a response."""

    collection_id = UUID(int=1)
    unanswered = False
    down = False

    def __init__(self) -> None:
        super().__init__()
        self.ignored: set[str] = set()
        """Names of the writes that a proxy confirms and never passes on."""
        self.mangled: set[str] = set()
        """Ids of the records of which the server stores another text than the given one."""

    def insert(self, records: Sequence[NewVector]) -> None:
        if "insert" not in self.ignored:
            super().insert(records)

    def update(self, metadata: Mapping[str, Metadata]) -> None:
        if "update" not in self.ignored:
            super().update({i: self._stored(i, values) for i, values in metadata.items()})

    def _stored(self, chroma_id: str, values: Metadata) -> Metadata:
        is_mangled = chroma_id in self.mangled and "text" in values
        return {**values, "text": "mangled"} if is_mangled else values

    def replace_vectors(self, records: Sequence[NewVector]) -> None:
        if "replace" not in self.ignored:
            super().replace_vectors(records)

    def delete(self, ids: Sequence[str]) -> None:
        if "delete" not in self.ignored:
            super().delete(ids)

    def _enter(self, call: str, ids: Any) -> None:
        if self.down:
            self.unanswered = True
            raise IndexUnavailableError(f"the Chroma server did not answer {call!r}")
        super()._enter(call, ids)


class InMemoryServerSystem(InMemorySystem):
    """Many workers, one server, and one version object per collection."""

    def __init__(self) -> None:
        super().__init__()
        self.server = {collection: InMemoryServerIndex() for collection in Collection}
        self.stores = {collection: InMemorySnapshotStore() for collection in Collection}

    def index(self, collection: Collection = Collection.LINES) -> InMemoryServerIndex:
        """Return the records on the server."""
        return self.server[collection]

    def version(self, collection: Collection = Collection.LINES) -> ServerVersion:
        """Return the version object."""
        data = self.stores[collection].data
        assert data is not None
        return read_version(data, collection)

    def worker(  # type: ignore[override]
        self, name: str = "worker", *, wrap: Wrap = lambda target: None
    ) -> Compactor:
        cycles = {
            collection: self._server_cycle(collection, name, wrap) for collection in Collection
        }
        return Compactor(cycles, self.deltas, self.dead_letters, self.clock, self.telemetry)

    def opener(self, collection: Collection) -> OpenIndex:
        """Return a function that opens the collection of the server."""

        def open_index(create: bool) -> RemoteIndex:
            return self.server[collection]

        return open_index

    def _server_cycle(self, collection: Collection, name: str, wrap: Wrap) -> Cycle:
        target = ServerTarget(
            self.stores[collection], collection, self.opener(collection), self.clock, name
        )
        wrap(target)
        guard = DeleteGuard(0.1, 1000)
        lease = self.lease(collection, name)
        return Cycle(collection, lease, target, self.table, guard, self.telemetry)
