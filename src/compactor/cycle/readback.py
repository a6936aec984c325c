"""Read back what a plan wrote, before the version is published."""

from typing import Final

import numpy as np

from compactor.cycle.plan import Plan, same
from receipt_index.deltas import Vectors
from receipt_index.records import Index, Metadata, NewVector, Record
from receipt_sync.errors import ReadBackError, WriteIgnoredError
from receipt_sync.sequences import evenly

_SAME_DIRECTION: Final = 0.999
"""Cosine above which two vectors count as equal. The index stores normalised vectors in single
precision.
"""


UPDATES_READ: Final = 500
"""Updates of metadata that are read back, as an even sample. All vectors and deletions are read
back.

The ids of updates were seen in this same copy. So the only fault that can remain is a call without
its effect, and a sample shows that. Reading five thousand records again costs half as much as
writing them.
"""


def read_back(index: Index, plan: Plan) -> None:
    """Raise ReadBackError unless the index holds what the plan has written.

    Raises WriteIgnoredError if a write had no effect.
    """
    vectors = [*plan.insert, *plan.replace]
    written = [
        *(("updated", *update) for update in evenly(list(plan.update.items()), UPDATES_READ)),
        *(("inserted", record.id, record.metadata) for record in plan.insert),
        *(("replaced", record.id, record.metadata) for record in plan.replace),
    ]
    found = index.get([*(chroma_id for _, chroma_id, _ in written), *plan.delete])
    for kind, chroma_id, metadata in written:
        _check_metadata(kind, chroma_id, metadata, found.get(chroma_id))
    for chroma_id in plan.delete:
        if chroma_id in found:
            raise WriteIgnoredError(f"{chroma_id} is still there after its deletion", "deleted")
    _check_vectors(index, vectors, found)


def _check_metadata(kind: str, chroma_id: str, metadata: Metadata, record: Record | None) -> None:
    if record is None:
        raise WriteIgnoredError(f"{chroma_id} is not there after it was written", kind)
    wrong = [name for name, value in metadata.items() if not same(record.metadata.get(name), value)]
    if not wrong:
        return
    message = f"{chroma_id} differs from what was written in {', '.join(wrong)}"
    if len(wrong) == len(metadata):
        raise WriteIgnoredError(message, kind)
    raise ReadBackError(message)


def _check_vectors(index: Index, vectors: list[NewVector], found: dict[str, Record]) -> None:
    if not vectors:
        return
    stored = index.vectors([record.id for record in vectors])
    for record in vectors:
        vector = stored.get(record.id)
        if vector is None or vector.shape != record.vector.shape:
            raise ReadBackError(f"{record.id} has no vector of its own after it was written")
        if found[record.id].document != record.document:
            raise ReadBackError(f"{record.id} has a document that differs from the written one")
        if not np.isfinite(vector).all():
            raise ReadBackError(f"{record.id} has a vector of NaN after it was written")
        if not _same_direction(vector, record.vector):
            raise ReadBackError(f"{record.id} has a vector that differs from the written one")


def _same_direction(stored: Vectors, written: Vectors) -> bool:
    """Return whether two vectors have the same direction, computed in float64.

    The square of a length that float32 holds may be too large for float32.
    """
    one, other = stored.astype(np.float64), written.astype(np.float64)
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return not lengths or float(np.dot(one, other)) >= _SAME_DIRECTION * lengths
