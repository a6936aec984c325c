"""Read back what a plan wrote, before the version is published."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from compactor.cycle.plan import Plan, same
from receipt_index.deltas import Vectors
from receipt_index.records import Index, Metadata, NewVector, Record
from receipt_sync.errors import IndexUnavailableError, ReadBackError, WriteIgnoredError
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
    updated = dict(evenly(list(plan.update.items()), UPDATES_READ))
    written = {**updated, **{record.id: record.metadata for record in vectors}}
    found = index.get([*written, *plan.delete])
    for chroma_id, metadata in written.items():
        _check_metadata(chroma_id, metadata, found.get(chroma_id), plan.before.get(chroma_id))
    for chroma_id in plan.delete:
        if chroma_id in found:
            raise WriteIgnoredError(f"{chroma_id} is still there after its deletion")
    _check_vectors(index, vectors, found)


def read_back_of_server(index: Index, plan: Plan) -> None:
    """Do the same for an index on a server, where a write without effect blames no record.

    A proxy may have answered in place of the server, so the write may never have reached it. Raises
    IndexUnavailableError in this case.
    """
    try:
        read_back(index, plan)
    except WriteIgnoredError as error:
        raise IndexUnavailableError(
            f"the Chroma server confirmed a write that had no effect: {error}. Check the proxy in "
            "front of the server"
        ) from error


def _check_metadata(
    chroma_id: str,
    metadata: Metadata,
    record: Record | None,
    before: Mapping[str, Any] | None,
) -> None:
    if record is None:
        raise WriteIgnoredError(f"{chroma_id} is not there after it was written")
    wrong = [name for name, value in metadata.items() if not same(record.metadata.get(name), value)]
    if wrong:
        # A value that is neither the old nor the written one is a fault of this record.
        is_as_before = before is not None and all(
            record.metadata.get(name) == before.get(name) for name in metadata
        )
        kind = WriteIgnoredError if is_as_before else ReadBackError
        raise kind(f"{chroma_id} differs from what was written in {', '.join(wrong)}")


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
