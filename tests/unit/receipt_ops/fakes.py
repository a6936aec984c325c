"""In-memory stand-ins for what the operator's commands work on."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from compactor.cycle.projection import Item, project, text_of
from receipt_index.deltas import VectorBatch, Vectors
from receipt_index.records import DELTA_ID, Match, Record
from receipt_ops.loading.dynamodb_items import item_of
from receipt_ops.loading.items import Entity
from receipt_ops.repair.delta_index import StoredDelta
from receipt_ops.repair.outline import Outline
from receipt_sync.attributes import decode_item
from receipt_sync.deadline import Deadline
from receipt_sync.errors import DeltaRefusedError, IndexFailedError
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta
from tests.support.fakes.table import InMemoryTable


class ScannedTable(InMemoryTable):
    """A table that can be scanned, in the order in which its items were put."""

    def scan(self, deadline: Deadline) -> Iterator[tuple[EntityKey, Item]]:
        yield from list(self.items.items())

    def load(self, entities: Sequence[Entity]) -> None:
        for entity in entities:
            self.items[entity.key] = decode_item(item_of(entity))


class InMemorySnapshot:
    """A published version of one collection. Like Chroma, it fails a read of a lost vector."""

    def __init__(self) -> None:
        self.version = 1
        self.is_fixed = True
        self.search_is_exact = True
        self.elements: int | None = 1_234
        self.published_at: datetime | None = datetime(2026, 1, 1, tzinfo=UTC)
        self.records: dict[str, Record] = {}
        self.without_vector: set[str] = set()
        self.searches: list[tuple[int, Mapping[str, Any] | None]] = []
        self.id_reads = 0

    def put(self, chroma_id: str, metadata: Mapping[str, Any], document: str | None) -> None:
        self.records[chroma_id] = Record(chroma_id, dict(metadata), document)

    def change(self, chroma_id: str, **metadata: Any) -> None:
        """Set metadata behind the compactor's back; None removes a key."""
        old = self.records[chroma_id]
        merged = {**old.metadata, **metadata}
        self.put(chroma_id, {k: v for k, v in merged.items() if v is not None}, old.document)

    def get(self, ids: Sequence[str]) -> dict[str, Record]:
        return {i: self.records[i] for i in ids if i in self.records}

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        if self.without_vector & set(ids):
            raise IndexFailedError("Chroma's get failed: InternalError")
        return {i: np.ones(2, np.float32) for i in ids if i in self.records}

    def ids(self) -> Iterator[str]:
        self.id_reads += 1
        yield from list(self.records)

    def count(self) -> int:
        return len(self.records)

    def dimension(self) -> int | None:
        return 2 if self.records else None

    def search(
        self, vector: Vectors, limit: int, where: Mapping[str, Any] | None = None
    ) -> list[Match]:
        self.searches.append((limit, where))
        return [Match(record, 0.25) for record in self.records.values()][:limit]


def snapshots_of(table: InMemoryTable) -> dict[Collection, InMemorySnapshot]:
    """Snapshots that hold what the table says, as the compactor would have written it."""
    snapshots = {collection: InMemorySnapshot() for collection in Collection}
    for key, item in table.items.items():
        if key.collection is not None:
            document = text_of(item)
            metadata = project(key, table.items, document=document)
            held = {name: value for name, value in metadata.items() if value is not None}
            snapshots[key.collection].put(
                key.chroma_id, {**held, DELTA_ID: "01ARZ3NDEKTSV4RRFFQ69G5FAV"}, document
            )
    return snapshots


class RecordingWriter:
    """Notes what is put, in a log that it may share with a sender."""

    def __init__(self, log: list[tuple[str, Any]]) -> None:
        self.log = log

    def put(self, entities: Sequence[Entity]) -> None:
        self.log.append(("put", list(entities)))


class RecordingSender:
    """Notes what is sent; `failing` makes `send` raise."""

    def __init__(self, log: list[tuple[str, Any]], failing: Exception | None = None) -> None:
        self.log, self.failing = log, failing
        self.made = 0

    def put(
        self,
        collection: Collection,
        keys: Sequence[EntityKey],
        vectors: Vectors,
        texts: Sequence[str],
    ) -> Delta:
        self.made += 1
        self.log.append(("delta", (collection, list(keys), vectors, list(texts))))
        return Delta.of(collection, f"{self.made:026d}", len(keys))

    def send(self, deltas: Sequence[Delta]) -> None:
        if self.failing is not None:
            raise self.failing
        self.log.append(("send", list(deltas)))


class InMemoryDeltas:
    """Delta objects. One whose id is in `broken` can't be read.

    The outline of one in `not_finite` can be read, and its vectors are refused.
    """

    def __init__(self, broken: Sequence[str] = (), not_finite: Sequence[str] = ()) -> None:
        self.batches: dict[tuple[Collection, str], VectorBatch] = {}
        self.broken, self.not_finite = broken, not_finite
        self.outlined: list[str] = []
        self.reads: list[str] = []

    def put(
        self,
        delta_id: str,
        *ids: str,
        collection: Collection = Collection.LINES,
        dimension: int = 2,
    ) -> None:
        vectors = np.full((len(ids), dimension), len(self.batches), np.float32)
        batch = VectorBatch(delta_id, ids, vectors, tuple(f"text of {i}" for i in ids))
        self.batches[collection, delta_id] = batch

    def listed(self, collection: Collection, after: str = "") -> Iterator[StoredDelta]:
        ids = sorted(d for c, d in self.batches if c is collection and d > after)
        yield from (StoredDelta(delta_id, 1) for delta_id in ids)

    def outline(self, collection: Collection, delta: StoredDelta) -> Outline:
        self.outlined.append(delta.id)
        batch = self._batch(collection, delta.id)
        return Outline(batch.ids, batch.dimension)

    def read(self, collection: Collection, delta_id: str) -> VectorBatch:
        self.reads.append(delta_id)
        if delta_id in self.not_finite:
            raise DeltaRefusedError("not finite")
        return self._batch(collection, delta_id)

    def _batch(self, collection: Collection, delta_id: str) -> VectorBatch:
        if delta_id in self.broken or (collection, delta_id) not in self.batches:
            raise DeltaRefusedError("gone")
        return self.batches[collection, delta_id]
