"""A Chroma collection in memory, with the semantics of Chroma on which the compactor depends.

It merges metadata, deletes keys that are set to None, and ignores unknown ids in update and delete.
It refuses empty metadata, a wrong dimension and duplicate ids. It raises an error for the ids in
`poisonous`.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from receipt_index.deltas import Vectors
from receipt_index.records import Metadata, NewVector, Record
from receipt_sync.errors import IndexFailedError


class InMemoryIndex:
    """Implements an index in memory, and records the calls that write."""

    def __init__(self, poisonous: set[str] | None = None) -> None:
        self.records: dict[str, Record] = {}
        self.stored_vectors: dict[str, Vectors] = {}
        self.poisonous = poisonous if poisonous is not None else set()
        self.calls: list[tuple[str, int]] = []
        self._dimension: int | None = None

    def copy(self) -> "InMemoryIndex":
        twin = InMemoryIndex(self.poisonous)
        twin.records, twin.stored_vectors = deepcopy(self.records), dict(self.stored_vectors)
        twin.calls, twin._dimension = self.calls, self.dimension()
        return twin

    def get(self, ids: Sequence[str]) -> dict[str, Record]:
        _refuse_duplicates(ids)
        return {i: self.records[i] for i in ids if i in self.records}

    def ids(self) -> Iterator[str]:
        return iter(sorted(self.records))

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        return {i: self.stored_vectors[i] for i in ids if i in self.stored_vectors}

    def update(self, metadata: Mapping[str, Metadata]) -> None:
        self._enter("update", list(metadata))
        for chroma_id, values in metadata.items():
            if not values:
                raise IndexFailedError("Chroma's update failed: ValueError")
            if chroma_id in self.records:
                self._merge(chroma_id, values, self.records[chroma_id].document)

    def insert(self, records: Sequence[NewVector]) -> None:
        self._enter("insert", [record.id for record in records])
        for record in records:
            if record.id not in self.records:
                self.records[record.id] = Record(record.id, {}, None)
                self._store(record)

    def replace_vectors(self, records: Sequence[NewVector]) -> None:
        self._enter("replace", [record.id for record in records])
        for record in records:
            if record.id in self.records:
                self._store(record)

    def delete(self, ids: Sequence[str]) -> None:
        self._enter("delete", ids)
        for chroma_id in ids:
            self.records.pop(chroma_id, None)
            self.stored_vectors.pop(chroma_id, None)

    def count(self) -> int:
        return len(self.records)

    def dimension(self) -> int | None:
        if self._dimension is None:  # A test or a file may have set the vectors.
            self._dimension = next(map(len, self.stored_vectors.values()), None)
        return self._dimension

    def forget_dimension(self) -> None:
        """Let the next vector decide the dimension, as in a new collection."""
        self._dimension = None

    def close(self) -> None:
        pass

    def _enter(self, call: str, ids: Sequence[str]) -> None:
        _refuse_duplicates(ids)
        self.calls.append((call, len(ids)))
        if self.poisonous & set(ids):
            raise IndexFailedError(f"Chroma's {call} failed: InternalError")

    def _store(self, record: NewVector) -> None:
        if self.dimension() not in (None, len(record.vector)):
            raise IndexFailedError("Chroma's add failed: InvalidArgumentError")
        self._dimension = len(record.vector)  # Chroma keeps it when the last record is deleted.
        self.stored_vectors[record.id] = np.asarray(record.vector, np.float32)
        self._merge(record.id, record.metadata, record.document)

    def _merge(self, chroma_id: str, values: Metadata, document: str | None) -> None:
        held = self.records[chroma_id].metadata
        changed: dict[str, Any] = {name: _stored(value) for name, value in values.items()}
        kept = {name: value for name, value in {**held, **changed}.items() if value is not None}
        self.records[chroma_id] = Record(chroma_id, kept, document)


def _stored(value: Any) -> Any:
    """Return a value as Chroma returns it.

    Chroma 1.5.9 changes many floats by one or two units in the last place.
    """
    return math.nextafter(value, math.inf) if type(value) is float else value


def _refuse_duplicates(ids: Sequence[str]) -> None:
    if len(set(ids)) != len(ids):
        raise IndexFailedError("Chroma's call failed: DuplicateIDError")
