"""Mends what a verification found, through the path that every change takes.

First everything is found and counted, then the mass-delete guard has its say, and only then is
anything sent.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from compactor.deltas import VectorBatch
from compactor.index import batches
from operations.errors import OperationError
from operations.repair.changes import ChangeSink, recompute, remove
from operations.repair.delta_objects import DeltaObjects, find, rows_of
from operations.repair.remedies import Fault, Remedy
from receipt_sync.clock import Clock
from receipt_sync.errors import DeltaRefusedError
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta

CHANGES_A_STEP: Final = 1_000
WHY: Final = "repair"

Advance = Callable[[int], None]


class MassDeleteError(OperationError):
    """A repair would delete more of a collection than it may."""


class DeltaSink(Protocol):
    """Where vectors go."""

    def store(self, collection: Collection, batch: VectorBatch) -> Delta: ...

    def send(self, deltas: Sequence[Delta]) -> None: ...


class Records(Protocol):
    """A collection as far as a repair asks it."""

    def count(self) -> int: ...

    def delta_ids(self, ids: Sequence[str]) -> Mapping[str, str]:
        """The delta that brought each record's vector, of those that exist and say so."""
        ...


@dataclass(frozen=True)
class Guard:
    """The most that a repair may delete of a collection without a person's word (I5)."""

    share: float
    floor: int

    def check(self, collection: Collection, deletes: int, records: int) -> None:
        """Raise MassDeleteError beyond the share; up to `floor` records may always go."""
        if deletes > max(self.floor, self.share * records):
            raise MassDeleteError(
                f"{deletes:,} of {records:,} records of {collection} have no item in the table, "
                f"more than {self.share:.0%}: nothing was sent. Make sure that the table is the "
                "right one and whole, then say --max-delete-share 1"
            )


@dataclass
class Plan:
    """What a repair sends, and what it can't."""

    recompute: list[EntityKey] = field(default_factory=list)
    remove: list[EntityKey] = field(default_factory=list)
    deltas: list[Delta] = field(default_factory=list)
    """To be sent once more as they are."""
    rows: list[tuple[Collection, VectorBatch]] = field(default_factory=list)
    """To be stored and sent as new deltas, for records that exist but lost their vector."""
    resent: int = 0
    reembed: list[str] = field(default_factory=list)
    """Ids whose vectors are kept nowhere."""
    by_hand: list[tuple[str, str]] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    @property
    def steps(self) -> int:
        """What a progress bar counts."""
        vectors = len(self.deltas) + len(self.rows)
        return len(self.recompute) + len(self.remove) + vectors

    def to_json(self) -> dict[str, Any]:
        return {
            "recompute": len(self.recompute),
            "remove": len(self.remove),
            "resend": self.resent,
            "deltas": len(self.deltas) + len(self.rows),
            "reembed": self.reembed,
            "by_hand": [{"id": chroma_id, "reason": why} for chroma_id, why in self.by_hand],
            "unreadable_deltas": self.unreadable,
        }


class Repair:
    """Plans and sends."""

    def __init__(
        self,
        changes: ChangeSink,
        deltas: DeltaSink,
        objects: DeltaObjects,
        records: Mapping[Collection, Records],
        guard: Guard,
        clock: Clock,
    ) -> None:
        self._changes, self._deltas, self._objects = changes, deltas, objects
        self._records, self._guard, self._clock = records, guard, clock

    def plan(self, faults: Sequence[Fault]) -> Plan:
        """What would be sent. Raises MassDeleteError."""
        plan = Plan()
        self._check_deletes(faults)
        for fault in faults:
            if fault.remedy is Remedy.RECOMPUTE:
                plan.recompute.append(fault.key)
            elif fault.remedy is Remedy.REMOVE:
                plan.remove.append(fault.key)
            elif fault.remedy is Remedy.BY_HAND:
                plan.by_hand.append((fault.id, fault.reason))
        resend = [fault for fault in faults if fault.remedy is Remedy.RESEND]
        for collection in self._records:
            wanted = [fault.id for fault in resend if fault.collection is collection]
            self._plan_vectors(plan, collection, wanted)
        return plan

    def send(self, plan: Plan, advance: Advance = lambda _: None) -> int:
        """Send what was planned; returns the number of messages. Raises what the queue raises."""
        messages = 0
        for make, keys in ((remove, plan.remove), (recompute, plan.recompute)):
            for some in batches(keys, CHANGES_A_STEP):
                messages += self._changes.send(make(some, self._clock.now(), WHY))
                advance(len(some))
        stored = [self._deltas.store(collection, batch) for collection, batch in plan.rows]
        self._deltas.send([*plan.deltas, *stored])
        advance(len(plan.deltas) + len(stored))
        return messages + len(plan.deltas) + len(stored)

    def _check_deletes(self, faults: Iterable[Fault]) -> None:
        deletes = Counter(f.collection for f in faults if f.remedy is Remedy.REMOVE)
        for collection, count in deletes.items():
            self._guard.check(collection, count, self._records[collection].count())

    def _plan_vectors(self, plan: Plan, collection: Collection, wanted: Sequence[str]) -> None:
        if not wanted:
            return
        held = self._records[collection].delta_ids(wanted)
        found = find(self._objects, collection, [i for i in wanted if i not in held])
        plan.deltas += found.deltas.values()
        plan.unreadable += found.unreadable
        plan.resent += len(found.ids)
        plan.reembed += sorted(found.lost)
        self._plan_rows(plan, collection, held)

    def _plan_rows(self, plan: Plan, collection: Collection, held: Mapping[str, str]) -> None:
        """A record that is there remembers its delta, which would change nothing a second time."""
        for delta_id, ids in _by_value(held):
            try:
                batch = rows_of(self._objects.read(collection, delta_id), set(ids))
            except DeltaRefusedError:
                plan.reembed += ids
                continue
            plan.reembed += sorted(set(ids) - set(batch.ids))
            plan.resent += len(batch.ids)
            plan.rows += [(collection, batch)] if batch.ids else []


def _by_value(pairs: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    grouped: dict[str, list[str]] = {}
    for key, value in pairs.items():
        grouped.setdefault(value, []).append(key)
    yield from grouped.items()
