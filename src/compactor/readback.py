"""Reads back what a plan wrote, before anybody is told that it is there."""

from typing import Final

import numpy as np

from compactor.index import Index, NewVector, Record
from compactor.plan import Plan, same
from compactor.projection import Metadata
from compactor.sampling import evenly
from receipt_sync.errors import ReadBackError

_SAME_DIRECTION: Final = 0.999
"""Cosine of two vectors that count as one: the index keeps them normalised, in single precision."""


UPDATES_READ: Final = 500
"""Updates of metadata that are read back, taken evenly; vectors and deletions all are.

Their ids were seen in this very copy, so what is left to be found is a call without its effect, and
a part shows that. Reading five thousand records again costs half as much as writing them.
"""


def read_back(index: Index, plan: Plan) -> None:
    """Raise ReadBackError unless the index holds what the plan says."""
    vectors = [*plan.insert, *plan.replace]
    updated = dict(evenly(list(plan.update.items()), UPDATES_READ))
    written = {**updated, **{record.id: record.metadata for record in vectors}}
    found = index.get([*written, *plan.delete])
    for chroma_id, metadata in written.items():
        _check_metadata(chroma_id, metadata, found.get(chroma_id))
    for chroma_id in plan.delete:
        if chroma_id in found:
            raise ReadBackError(f"{chroma_id} is still there after its deletion")
    _check_vectors(index, vectors, found)


def _check_metadata(chroma_id: str, metadata: Metadata, record: Record | None) -> None:
    if record is None:
        raise ReadBackError(f"{chroma_id} is not there after it was written")
    wrong = [name for name, value in metadata.items() if not same(record.metadata.get(name), value)]
    if wrong:
        raise ReadBackError(f"{chroma_id} reads back otherwise than written in {', '.join(wrong)}")


def _check_vectors(index: Index, vectors: list[NewVector], found: dict[str, Record]) -> None:
    if not vectors:
        return
    stored = index.vectors([record.id for record in vectors])
    for record in vectors:
        vector = stored.get(record.id)
        if vector is None or vector.shape != record.vector.shape:
            raise ReadBackError(f"{record.id} has no vector of its own after it was written")
        if found[record.id].document != record.document:
            raise ReadBackError(f"{record.id} has another document than the one written")
        lengths = float(np.linalg.norm(vector) * np.linalg.norm(record.vector))
        if lengths and float(np.dot(vector, record.vector)) < _SAME_DIRECTION * lengths:
            raise ReadBackError(f"{record.id} has another vector than the one written")
