"""Which records hold an older vector than the newest that was handed over for them.

A vector is handed over when its delta lies in the bucket. The compactor applies the newest delta of
a record that it does not refuse. So a record whose delta is older than that has lost an update: its
snapshot was restored, or its Chroma server was, or the message was never sent.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from compactor.deltas import VectorBatch
from operations.repair.delta_index import READ, SOUND, DeltaIndex, Outlines
from receipt_sync.errors import DeltaRefusedError
from receipt_sync.keys import Collection

Dimensions = Callable[[Collection], int | None]
"""The dimension of a collection's vectors; None while it has none."""


class DeltaObjects(Outlines, Protocol):
    """The delta objects of a collection, read in part or whole."""

    def read(self, collection: Collection, delta_id: str) -> VectorBatch:
        """Return the content of one. Raises DeltaRefusedError if it is gone or unreadable."""
        ...


class NewestVectors:
    """Answers for any number of records; what it has read of the bucket it reads once."""

    def __init__(self, index: DeltaIndex, objects: DeltaObjects, dimensions: Dimensions) -> None:
        self._index, self._objects, self._dimensions = index, objects, dimensions
        self._listed: set[Collection] = set()

    def refresh(self) -> None:
        """Look at the bucket again before the next answer."""
        self._listed.clear()

    def newer(self, collection: Collection, held: Mapping[str, str]) -> dict[str, str]:
        """Return the newest delta of each record, where that is newer than the one it holds.

        `held` is record id → delta id, empty for a record without. Raises botocore's errors.
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
        """Return how many vectors a delta holds that `newer` has named."""
        return self._index.vectors(collection, delta_id)

    def read(self, collection: Collection, delta_id: str) -> VectorBatch:
        """Return the content of a delta. Raises DeltaRefusedError if it is gone or unreadable."""
        return self._objects.read(collection, delta_id)

    def refused(self, collection: Collection) -> list[str]:
        """Return the deltas that can't be applied, of those that had to be looked at."""
        return self._index.refused(collection)

    def _cover(self, collection: Collection, after: str) -> None:
        if collection not in self._listed:
            self._index.refresh(collection)
            self._listed.add(collection)
        self._index.cover(collection, after)

    def _applies(self, collection: Collection, delta_id: str) -> bool:
        """Whether the compactor would take it: it is whole, and of the collection's dimension."""
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
    """Answers about the deltas of a bucket, for as long as a command runs."""
    index = DeltaIndex(objects)
    try:
        yield NewestVectors(index, objects, dimensions)
    finally:
        index.close()
