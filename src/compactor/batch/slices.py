"""Cut the work of messages into slices that fit into a share of the function's memory (I14).

The vectors of a delta are fetched for their slice, and released after it. They are decoded one
delta after another, never in threads. On CPython 3.11, two threads that call ast.literal_eval at
the same time can fail with SystemError. NumPy's reader of array headers calls it
(https://github.com/python/cpython/issues/106905). `delta_archive` avoids that reader as well.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from compactor.batch.entries import Entry
from compactor.batch.work import Work
from compactor.cycle.closure import touches_neighbours
from compactor.cycle.cycle import MOST_RECORDS
from receipt_index.deltas import VectorBatch
from receipt_sync.keys import Collection
from receipt_sync.messages import Change

RECORD_BYTES: Final = 32 * 2**10
"""Bytes of memory for a record of a cycle: its items, its metadata as read and as written, and
Chroma's copies. Measured with ten thousand renamed words: 13 to 27 KiB.
"""
VECTOR_FACTOR: Final = 64
"""Bytes of memory that a cycle takes for each of a vector's numbers. They hold the vector as it
came, as it is stored, and as it is read back. They also hold Python floats of 32 bytes in Chroma's
calls, and Chroma's own index. Measured with 3,000 vectors of 1,536 numbers: 68 to 132 KiB each. A
slice of 2,000 of these takes some ten seconds.
"""
RECORDS_OF_A_TEXT: Final = 3
"""Records that a changed text touches: its own, and those of its two neighbours. A line or word
that appears or goes touches as many, and a change of another field only its own record.
"""
RECORDS_OF_A_RECEIPT: Final = 100
"""Records that a change of a merchant is assumed to reach before the table is read."""
CHANGE_BYTES: Final = 4 * 2**10
"""Bytes of memory for a change. Measured: 3 KiB."""
POISON_BYTES: Final = 2**9
_SMALL_DELTA: Final = 1_000
"""Limit of vectors in deltas that are fetched together. A larger delta is fetched alone."""
_FETCHED_AT_ONCE: Final = 4


@dataclass(frozen=True)
class SliceLimits:
    """The memory that one slice may take, in bytes."""

    bytes: int

    @property
    def records(self) -> int:
        """Return how many records one cycle may handle."""
        return max(1, min(MOST_RECORDS, self.bytes // RECORD_BYTES))

    def row(self, dimension: int) -> float:
        """Return the memory that a vector takes, in records."""
        return 1 + VECTOR_FACTOR * dimension / RECORD_BYTES

    def weight(self, entry: Entry) -> float:
        """Return the memory that a message takes in a group, in records.

        It is an estimate, because nothing was read for the message yet.
        """
        held = CHANGE_BYTES * len(entry.changes) + POISON_BYTES * len(entry.poison)
        rows = entry.delta.vector_count if entry.delta else 0
        reached = sum(_records_of(change) for change in entry.changes) + rows
        return max(reached, held / RECORD_BYTES)


Fetch = Callable[[Sequence[Entry]], list[VectorBatch]]
"""Returns the vectors of some messages. A message whose vectors could not be fetched is marked in
its entry.
"""


def slices_of(
    collection: Collection, entries: Sequence[Entry], fetch: Fetch, limits: SliceLimits
) -> Iterator[Work]:
    """Yield the work that the messages ask of a collection, in slices."""
    slicer = _Slicer(limits.records)
    for entry in entries:
        for change in entry.changes_of(collection):
            yield from slicer.add_change(change)
    for group in _groups([e for e in entries if e.delta is not None]):
        large = sum(_vector_count(entry) for entry in group) > _SMALL_DELTA
        if large:
            yield from slicer.flush()
        for batch in fetch(group):
            yield from slicer.add_vectors(batch, limits.row(batch.dimension))
        if large:
            yield from slicer.flush()
    yield from slicer.flush()


@dataclass
class _Slicer:
    """Fills one slice after another. `limit` is in records."""

    limit: float
    _changes: list[Change] = field(default_factory=list)
    _vectors: list[VectorBatch] = field(default_factory=list)
    _weight: float = 0.0

    def add_change(self, change: Change) -> Iterator[Work]:
        # A receipt's own change has no weight here: the cycle limits its own records.
        weight = _records_of(change) if change.key.line_id is not None else 0
        if self._weight + weight > self.limit:
            yield from self.flush()
        self._changes.append(change)
        self._weight += weight

    def add_vectors(self, batch: VectorBatch, row: float) -> Iterator[Work]:
        start = 0
        while start < len(batch.ids):
            fitting = int((self.limit - self._weight) / row)
            if fitting < 1 and self._weight:
                yield from self.flush()
                continue
            stop = min(len(batch.ids), start + max(1, fitting))
            self._vectors.append(batch.rows(start, stop))
            self._weight += row * (stop - start)
            start = stop

    def flush(self) -> Iterator[Work]:
        """Yield the slice as far as it is filled, unless it is empty."""
        if self._changes or self._vectors:
            yield Work(tuple(self._changes), tuple(self._vectors))
        self._changes, self._vectors, self._weight = [], [], 0.0


def _records_of(change: Change) -> int:
    if change.key.line_id is None:
        return RECORDS_OF_A_RECEIPT
    return RECORDS_OF_A_TEXT if touches_neighbours(change) else 1


def _vector_count(entry: Entry) -> int:
    return entry.delta.vector_count if entry.delta else 0


def _groups(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Yield deltas to fetch together: a few small ones, or one that is not small."""
    group: list[Entry] = []
    for entry in entries:
        together = sum(map(_vector_count, group)) + _vector_count(entry)
        if group and (together > _SMALL_DELTA or len(group) == _FETCHED_AT_ONCE):
            yield group
            group = []
        group.append(entry)
    if group:
        yield group
