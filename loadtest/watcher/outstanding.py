"""Decides, record by record, which actions are not visible to readers yet.

The writes to one receipt are made in sequence, so the order of the actions on a record is known.
An action demands values for some fields of each of its records, or that a record does not exist.
A field satisfies a demand with the demanded value or with the value of a later action. A reader
that serves the later value has already applied the earlier one. A satisfied field stays satisfied.
An action is visible when all fields of all its records are satisfied. So a fan-out counts when the
last record has the value.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from compactor.cycle.plan import same
from loadtest.watcher.expectations import DOCUMENT, Expectation, Sighting
from receipt_index.records import Record
from receipt_sync.keys import Collection, parse_chroma_id


@dataclass(frozen=True)
class _Demand:
    """The values that one action demands of one record. `fields` None: no such record."""

    action: int
    written_at: float
    fields: Mapping[str, Any] | None


@dataclass
class _Awaited:
    """An action, the records that do not satisfy it yet, and when the latest other one did."""

    expectation: Expectation
    missing: set[str]
    seen_at: float = 0.0


class Outstanding:
    """The actions that are written and not visible yet. `limit` is in seconds."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._awaited: dict[int, _Awaited] = {}
        self._demands: dict[Collection, dict[str, list[_Demand]]] = {c: {} for c in Collection}

    def __len__(self) -> int:
        return len(self._awaited)

    def expect(self, expectation: Expectation) -> dict[Collection, list[str]]:
        """Add an action. Return the ids of its records."""
        touched: dict[Collection, list[str]] = defaultdict(list)
        for group in expectation.wanted:
            for chroma_id in group.ids:
                collection = _collection_of(chroma_id)
                demands = self._demands[collection].setdefault(chroma_id, [])
                demands.append(_Demand(expectation.action, expectation.written_at, group.fields))
                touched[collection].append(chroma_id)
        ids = {i for group in expectation.wanted for i in group.ids}
        self._awaited[expectation.action] = _Awaited(expectation, ids)
        return touched

    def ids(self, collection: Collection) -> list[str]:
        """Return the ids of the records with an open demand."""
        return list(self._demands[collection])

    def check(
        self, collection: Collection, ids: Iterable[str], found: Mapping[str, Record], at: float
    ) -> Iterator[Sighting]:
        """Yield the actions that became visible.

        The caller has read the records `ids`, of which `found` holds those that exist. The reader
        serves this version since `at` (seconds of the epoch).
        """
        for chroma_id in ids:
            demands = self._demands[collection].get(chroma_id, [])
            left = _left(demands, found.get(chroma_id), at)
            self._keep(collection, chroma_id, left)
            for action in sorted({d.action for d in demands} - {d.action for d in left}):
                yield from self._satisfied(action, chroma_id, at)

    def overdue(self, now: float) -> list[Sighting]:
        """Return and remove the actions that were written longer ago than the limit."""
        late = [
            awaited.expectation
            for awaited in self._awaited.values()
            if now - awaited.expectation.written_at > self._limit
        ]
        for expectation in late:
            self._forget(expectation)
        return [_sighting(expectation, None) for expectation in late]

    def _satisfied(self, action: int, chroma_id: str, at: float) -> Iterator[Sighting]:
        awaited = self._awaited[action]
        awaited.missing.discard(chroma_id)
        awaited.seen_at = max(awaited.seen_at, at)
        if not awaited.missing:
            del self._awaited[action]
            yield _sighting(awaited.expectation, awaited.seen_at)

    def _forget(self, expectation: Expectation) -> None:
        for chroma_id in self._awaited.pop(expectation.action).missing:
            collection = _collection_of(chroma_id)
            demands = self._demands[collection][chroma_id]
            left = [demand for demand in demands if demand.action != expectation.action]
            self._keep(collection, chroma_id, left)

    def _keep(self, collection: Collection, chroma_id: str, demands: list[_Demand]) -> None:
        if demands:
            self._demands[collection][chroma_id] = demands
        else:
            self._demands[collection].pop(chroma_id, None)


def _left(demands: list[_Demand], record: Record | None, at: float) -> list[_Demand]:
    """Return the demands, or the fields of them, that a record does not satisfy.

    `demands` are in the order of writing. The record is served since `at`. A version that was
    served before a write is no evidence: a record may be absent because it has not arrived yet.
    """
    left: list[_Demand] = []
    passed: set[str] = set()  # fields that have the value of this action or of a later one
    removed = False
    for demand in reversed(demands):
        if at < demand.written_at:
            left.append(demand)
            continue
        if demand.fields is None:
            removed = record is None
            missing = None
        else:
            passed |= {n for n, v in demand.fields.items() if record and _holds(record, n, v)}
            missing = {n: v for n, v in demand.fields.items() if n not in passed}
        if not removed and missing != {}:
            left.append(replace(demand, fields=missing))
    return left[::-1]


def _holds(record: Record, name: str, value: Any) -> bool:
    held = record.document if name == DOCUMENT else record.metadata.get(name)
    return same(held, value)


def _sighting(expectation: Expectation, seen_at: float | None) -> Sighting:
    return Sighting(
        expectation.action,
        expectation.kind,
        expectation.changes,
        expectation.records,
        expectation.written_at,
        seen_at,
    )


def _collection_of(chroma_id: str) -> Collection:
    collection = parse_chroma_id(chroma_id).collection
    if collection is None:
        raise AssertionError("parse_chroma_id accepts the ids of lines and words only")
    return collection
