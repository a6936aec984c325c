"""A search for records that hold an older vector than the newest one in the bucket.

A producer has handed a vector over when its delta lies in the bucket. The compactor applies the
newest delta of a record that it does not refuse. A record with an older delta has lost an update.
Its snapshot or its Chroma server was restored, or the delta message was never sent.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Final, Protocol

from ulid import ULID

from receipt_index.deltas import VectorBatch
from receipt_ops.repair.delta_index import OTHER, REFUSED, SOUND, DeltaIndex, Outlines
from receipt_ops.repair.delta_rows import RANDOM_BITS
from receipt_ops.repair.dimension_choice import ChooseDimension, most_records
from receipt_sync.clock import Clock, epoch_ms
from receipt_sync.errors import DeltaRefusedError
from receipt_sync.keys import Collection

_MOST_SKEW: Final = timedelta(days=1)
"""How far the clock of a producer may be ahead of ours."""

Dimensions = Callable[[Collection], int | None]
"""Returns the dimension of a collection's vectors; None before its first vector."""


class DeltaObjects(Outlines, Protocol):
    """A source of delta objects, read in part or whole."""

    def read(self, collection: Collection, delta_id: str) -> VectorBatch:
        """Return a delta's content. Raises DeltaRefusedError if it is gone or unreadable."""
        ...


class NewestVectors:
    """Finds the newest delta of any number of records. It reads each delta of the bucket once."""

    def __init__(
        self,
        index: DeltaIndex,
        objects: DeltaObjects,
        dimensions: Dimensions,
        clock: Clock,
        choose: ChooseDimension = most_records,
    ) -> None:
        self._index, self._objects, self._dimensions = index, objects, dimensions
        self._clock, self._choose = clock, choose
        self._listed: set[Collection] = set()
        self._chosen: dict[Collection, int] = {}

    def refresh(self) -> None:
        """Make the next answer list the bucket again."""
        self._listed.clear()
        self._chosen.clear()

    def newer(self, collection: Collection, held: Mapping[str, str]) -> dict[str, str]:
        """Return the newest delta of each record, if it is newer than the delta that it holds.

        `held` maps a record id to its delta id, or to "" for a record without a delta. A delta id
        that is later than tomorrow and names no object is damage, and counts as no delta. The
        result holds "" for such a record if there is no delta of it. Raises the errors of botocore,
        and those of the choice of a dimension for a collection that never held one.
        """
        if not held:
            return {}
        damaged = self._damaged(collection, held)
        known = {**held, **dict.fromkeys(damaged, "")}
        self._cover(collection, min(known.values()))
        candidates = self._index.newer(collection, known)
        found = dict.fromkeys(damaged, "")
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

    def _damaged(self, collection: Collection, held: Mapping[str, str]) -> list[str]:
        """Return the records whose delta id is of the future and names no object.

        The compactor never replaces a newer vector, so it would refuse each vector of such a record
        until that time. An id of the past that names no object may be that of an expired delta.
        """
        end = str(ULID.from_int(epoch_ms(self._clock.now() + _MOST_SKEW) << RANDOM_BITS))
        future = {record: delta for record, delta in held.items() if delta > end}
        if not future:
            return []
        self._index.refresh(collection)
        listed = self._index.lists(collection, set(future.values()))
        return [record for record, delta in future.items() if delta not in listed]

    def _cover(self, collection: Collection, after: str) -> None:
        if collection not in self._listed:
            self._index.refresh(collection)
            self._listed.add(collection)
        self._index.cover(collection, after)

    def _applies(self, collection: Collection, delta_id: str) -> bool:
        """Return whether the compactor would apply a delta.

        It applies a complete delta that has the collection's dimension.
        """
        if self._index.dimension(collection, delta_id) != self._dimension(collection):
            self._index.judge(collection, delta_id, OTHER)
            return False
        state = self._index.state(collection, delta_id)
        if state != SOUND:
            state = SOUND if self._is_complete(collection, delta_id) else REFUSED
            self._index.judge(collection, delta_id, state)
        return state == SOUND

    def _dimension(self, collection: Collection) -> int:
        """Return the dimension of a collection. Before its first vector, the deltas decide."""
        published = self._dimensions(collection)
        if published is not None:
            return published
        if collection not in self._chosen:
            records = self._index.dimensions(collection)
            self._chosen[collection] = self._choose(collection, records)
        return self._chosen[collection]

    def _is_complete(self, collection: Collection, delta_id: str) -> bool:
        try:
            self._objects.read(collection, delta_id)
        except DeltaRefusedError:
            return False
        return True


@contextmanager
def newest_vectors(
    objects: DeltaObjects,
    dimensions: Dimensions,
    clock: Clock,
    choose: ChooseDimension = most_records,
) -> Iterator[NewestVectors]:
    """Give a NewestVectors of a bucket for a `with` block."""
    index = DeltaIndex(objects)
    try:
        yield NewestVectors(index, objects, dimensions, clock, choose)
    finally:
        index.close()
