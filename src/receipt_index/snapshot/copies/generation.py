"""Make a new generation of a collection: its present records in a new index (design: Generations).

Chroma never reclaims a deleted element of its graph, and SQLite keeps the pages that it once used.
A new index has neither. The records are copied exactly as they are, in batches, so the memory does
not depend on their number.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

import numpy as np

from receipt_index.deltas import Vectors
from receipt_index.records import Index, NewVector, Record
from receipt_index.snapshot.copies.progress import OnProgress
from receipt_sync.errors import ReadBackError

BATCH: Final = 512
"""Records that are in memory at a time. This is the number of vectors in one call of Chroma."""
_STEPS: Final = (1, -1, 2, -2, 3, -3, 4, -4)
"""Distances, in units in the last place, at which the written form of a float is searched."""
_VECTOR_TOLERANCE: Final = 1e-5
"""Part of its length by which a copied vector may differ.

Chroma stores a vector as a direction and a length in single precision. Each copy rounds both again.
"""

Check = Callable[[], None]
"""Raises an error if no further batch may begin."""


def fill(source: Index, target: Index, check: Check, on_progress: OnProgress) -> int:
    """Copy every record of `source` into the empty `target`, and return how many there are."""
    total, copied = source.count(), 0
    for ids in _batches(source.ids()):
        check()
        records, vectors = source.get(ids), source.vectors(ids)
        target.insert([_new(i, records, vectors) for i in ids])
        _correct_floats(records, target)
        copied += len(ids)
        on_progress(copied, total)
    return copied


def compare(source: Index, target: Index, check: Check) -> None:
    """Raise ReadBackError unless `target` holds exactly the records of `source`."""
    compared = 0
    for ids in _batches(source.ids()):
        check()
        _compare_records(ids, source.get(ids), target.get(ids))
        _compare_vectors(ids, source.vectors(ids), target.vectors(ids))
        compared += len(ids)
    for index, name in ((source, "present index"), (target, "new generation")):
        if index.count() != compared:
            raise ReadBackError(
                f"the {name} holds {index.count():,} records, and {compared:,} were compared"
            )


def _batches(ids: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(ids)
    while batch := list(islice(remaining, BATCH)):
        yield batch


def _new(
    chroma_id: str, records: Mapping[str, Record], vectors: Mapping[str, Vectors]
) -> NewVector:
    record, vector = records.get(chroma_id), vectors.get(chroma_id)
    if record is None or vector is None or record.document is None:
        raise ReadBackError(f"{chroma_id} has no record, no vector or no document in the index")
    return NewVector(chroma_id, vector, record.document, dict(record.metadata))


def _correct_floats(records: Mapping[str, Record], target: Index) -> None:
    """Make the floats in `target` read as those of `records`.

    Chroma 1.5.9 changes about one float in ten by a unit in the last place when it is written. A
    neighbour of the float then reads as the wanted one. Without this, a float would move with every
    generation, and `verify` would report it in the end.
    """
    for steps in _STEPS:
        found = target.get(list(records))
        shifted = {
            i: values
            for i, record in records.items()
            if i in found and (values := _shifted(record.metadata, found[i].metadata, steps))
        }
        if not shifted:
            return
        target.update(shifted)


def _shifted(wanted: Mapping[str, Any], found: Mapping[str, Any], steps: int) -> dict[str, Any]:
    return {
        name: _neighbour(value, steps)
        for name, value in wanted.items()
        if isinstance(value, float) and found.get(name) != value
    }


def _neighbour(value: float, steps: int) -> float:
    direction = math.inf if steps > 0 else -math.inf
    for _ in range(abs(steps)):
        value = math.nextafter(value, direction)
    return value


def _compare_records(
    ids: Iterable[str], wanted: Mapping[str, Record], found: Mapping[str, Record]
) -> None:
    for chroma_id in ids:
        one, other = wanted.get(chroma_id), found.get(chroma_id)
        if one is None or other is None:
            raise ReadBackError(f"{chroma_id} is not in the new generation")
        if one.document != other.document:
            raise ReadBackError(f"{chroma_id} has another document in the new generation")
        if _typed(one.metadata) != _typed(other.metadata):
            raise ReadBackError(f"{chroma_id} has other metadata in the new generation")


def _typed(metadata: Mapping[str, Any]) -> dict[str, tuple[type, Any]]:
    """Return the metadata with the types of its values, because True equals 1 and 1.0."""
    return {name: (type(value), value) for name, value in metadata.items()}


def _compare_vectors(
    ids: Iterable[str], wanted: Mapping[str, Vectors], found: Mapping[str, Vectors]
) -> None:
    for chroma_id in ids:
        one, other = wanted.get(chroma_id), found.get(chroma_id)
        if one is None or other is None or one.shape != other.shape:
            raise ReadBackError(f"{chroma_id} has no such vector in the new generation")
        distance = np.linalg.norm(one.astype(np.float64) - other.astype(np.float64))
        if not distance <= _VECTOR_TOLERANCE * np.linalg.norm(one.astype(np.float64)):
            raise ReadBackError(f"{chroma_id} has another vector in the new generation")
