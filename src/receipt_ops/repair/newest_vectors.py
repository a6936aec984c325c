"""A search for records that hold an older vector than the newest one in the bucket.

A producer has handed a vector over when its delta lies in the bucket. The compactor applies the
newest delta of a record that it does not refuse. A record with an older delta has lost an update.
Its snapshot or its Chroma server was restored, or the delta message was never sent.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from receipt_index.deltas import VectorBatch
from receipt_ops.repair.delta_index import READ, SOUND, DeltaIndex, Outlines
from receipt_sync.errors import DeltaRefusedError
from receipt_sync.keys import Collection

Dimensions = Callable[[Collection], int | None]
"""Returns the dimension of a collection's vectors; None while it has no vector."""


class DeltaObjects(Outlines, Protocol):
    """A source of delta objects, read in part or whole."""

    def read(self, collection: Collection, delta_id: str) -> VectorBatch:
        """Return a delta's content. Raises DeltaRefusedError if it is gone or unreadable."""
        ...


class NewestVectors:
    """Finds the newest delta of any number of records. It reads each delta of the bucket once."""

    def __init__(self, index: DeltaIndex, objects: DeltaObjects, dimensions: Dimensions) -> None:
        self._index, self._objects, self._dimensions = index, objects, dimensions
        self._listed: set[Collection] = set()

    def refresh(self) -> None:
        """Make the next answer list the bucket again."""
        self._listed.clear()

    def newer(self, collection: Collection, held: Mapping[str, str]) -> dict[str, str]:
        """Return the newest delta of each record, if it is newer than the delta that it holds.

        `held` maps a record id to its delta id, or to "" for a record without a delta. Raises the
        errors of botocore.
        """
        if not held:
            return {}
        self._cover(collection, min(held.values()))
        candidates = self._index.newer(collection, held)
        found: dict[str, str] = {}
        for record, deltas in candidates.items():
            newest = next((d for d in deltas if self._applies(collection, d)), None)
            if newest is not None:
                found[record] = newest
        return found

    def vectors(self, collection: Collection, delta_id: str) -> int:
        """Return the number of vectors of a delta. `newer` must have returned this delta."""
        return self._index.vectors(collection, delta_id)

    def read(self, collection: Collection, delta_id: str) -> VectorBatch:
        """Return the content of a delta. Raises DeltaRefusedError if it is gone or unreadable."""
        return self._objects.read(collection, delta_id)

    def refused(self, collection: Collection) -> list[str]:
        """Return the deltas that cannot be applied, among those that were read."""
        return self._index.refused(collection)

    def _cover(self, collection: Collection, after: str) -> None:
        if collection not in self._listed:
            self._index.refresh(collection)
            self._listed.add(collection)
        self._index.cover(collection, after)

    def _applies(self, collection: Collection, delta_id: str) -> bool:
        """Return whether the compactor would apply a delta.

        It applies a complete delta that has the collection's dimension.
        """
        state = self._index.state(collection, delta_id)
        if state == READ:
            sound = self._is_sound(collection, delta_id)
            self._index.judge(collection, delta_id, sound=sound)
            return sound
        return state == SOUND

    def _is_sound(self, collection: Collection, delta_id: str) -> bool:
        dimension = self._dimensions(collection) or self._index.newest_dimension(collection)
        try:
            return self._objects.read(collection, delta_id).dimension == dimension
        except DeltaRefusedError:
            return False


@contextmanager
def newest_vectors(objects: DeltaObjects, dimensions: Dimensions) -> Iterator[NewestVectors]:
    """Give a NewestVectors of a bucket for a `with` block."""
    index = DeltaIndex(objects)
    try:
        yield NewestVectors(index, objects, dimensions)
    finally:
        index.close()
