"""The difference between what Chroma should hold and what it holds."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from compactor.cycle.closure import Closure
from compactor.cycle.projection import ALL, Items, delta_of, project
from receipt_index.deltas import VectorBatch, Vectors
from receipt_index.records import DELTA_ID, STALE, Metadata, NewVector, Record
from receipt_sync.keys import EntityKey

_FLOAT_TOLERANCE: Final = 1e-15
_SMALLEST: Final = 1e-300


class Arrival(NamedTuple):
    """The newest vector that arrived for one id."""

    delta_id: str
    vector: Vectors
    text: str


@dataclass
class Plan:
    """The writes of a cycle: one list for each kind of operation.

    Each list becomes one Chroma call.
    """

    update: dict[str, Metadata] = field(default_factory=dict)
    insert: list[NewVector] = field(default_factory=list)
    replace: list[NewVector] = field(default_factory=list)
    delete: list[str] = field(default_factory=list)
    dropped_vectors: int = 0
    """Vectors of entities that are no longer in the table, or older than the one stored."""

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to write."""
        return not (self.update or self.insert or self.replace or self.delete)

    @property
    def stale(self) -> int:
        """Return how many records this plan leaves with a vector of another text."""
        written = [*self.update.values(), *(r.metadata for r in (*self.insert, *self.replace))]
        return sum(metadata.get(STALE) is True for metadata in written)


def newest_vectors(batches: Iterable[VectorBatch]) -> dict[str, Arrival]:
    """Return the newest vector of each id.

    Delta ids are ULIDs, so their order is that of their creation.
    """
    newest: dict[str, Arrival] = {}
    for batch in batches:
        for chroma_id, vector, text in zip(batch.ids, batch.vectors, batch.texts, strict=True):
            known = newest.get(chroma_id)
            if known is None or known.delta_id < batch.delta_id:
                newest[chroma_id] = Arrival(batch.delta_id, vector, text)
    return newest


def make_plan(
    closure: Closure,
    arrivals: Mapping[str, Arrival],
    items: Items,
    present: Mapping[str, Record],
) -> Plan:
    """Return what to write so that every record of the closure equals its projection."""
    plan = Plan()
    for key, parts in closure.records.items():
        chroma_id = key.chroma_id
        record, arrival = present.get(chroma_id), arrivals.get(chroma_id)
        if items.get(key) is None:
            _plan_absence(plan, chroma_id, record, arrival)
        elif arrival is not None and _is_newer(arrival, record):
            _plan_vector(plan, key, items, record, arrival)
        elif record is not None:
            plan.dropped_vectors += arrival is not None and not _is_applied(arrival, record)
            wanted = project(key, items, parts, record.document)
            changed = _differing(wanted, record.metadata)
            if changed:
                plan.update[chroma_id] = changed
    return plan


def _plan_absence(
    plan: Plan, chroma_id: str, record: Record | None, arrival: Arrival | None
) -> None:
    if record is not None:
        plan.delete.append(chroma_id)
    plan.dropped_vectors += arrival is not None


def _plan_vector(
    plan: Plan, key: EntityKey, items: Items, record: Record | None, arrival: Arrival
) -> None:
    metadata = project(key, items, ALL, arrival.text) | {DELTA_ID: arrival.delta_id}
    if record is None:
        plan.insert.append(NewVector(key.chroma_id, arrival.vector, arrival.text, metadata))
    else:
        changed = _differing(metadata, record.metadata)
        plan.replace.append(NewVector(key.chroma_id, arrival.vector, arrival.text, changed))


def _is_newer(arrival: Arrival, record: Record | None) -> bool:
    return record is None or arrival.delta_id > delta_of(record.metadata)


def _is_applied(arrival: Arrival, record: Record) -> bool:
    return arrival.delta_id == record.metadata.get(DELTA_ID)


def _differing(wanted: Metadata, held: Mapping[str, Any]) -> Metadata:
    return {
        name: value
        for name, value in wanted.items()
        if ((present := held.get(name)) != value or type(present) is not type(value))
        and not same(present, value)
    }


def same(held: Any, wanted: Any) -> bool:
    """Return whether two values are equal and of one type.

    Chroma's filters distinguish True from 1, and 1 from 1.0. Floats are equal up to five units in
    the last place, because Chroma 1.5.9 does not return every float unchanged. One in ten comes
    back one or two units off.
    """
    if type(held) is not type(wanted):
        return False
    if held == wanted:
        return True
    if isinstance(held, float):
        return math.isclose(held, wanted, rel_tol=_FLOAT_TOLERANCE, abs_tol=_SMALLEST)
    return False
