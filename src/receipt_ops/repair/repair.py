"""The repair of differences that a verification found, through the path of every other change.

The repair first finds and counts all faults. Then the mass-delete guard checks the counts. Only
then does the repair send messages.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final, Protocol

from ulid import ULID

from receipt_index.deltas import VectorBatch
from receipt_ops.repair.changes import ChangeSink, recompute, remove
from receipt_ops.repair.delta_rows import rows_of
from receipt_ops.repair.guard import DeleteLimit, Guard
from receipt_ops.repair.ledger import Ledger
from receipt_ops.repair.plan import Plan
from receipt_ops.repair.remedies import Fault, Remedy, fault_of
from receipt_ops.verification.verdict import Example
from receipt_sync.clock import Clock
from receipt_sync.errors import DeltaExistsError, DeltaRefusedError
from receipt_sync.keys import Collection
from receipt_sync.messages import Delta, delta_key

WHY: Final = "repair"
_TRIES: Final = 5

Advance = Callable[[int], None]


class DeltaSink(Protocol):
    """A bucket and a queue that take vectors."""

    def store(self, collection: Collection, batch: VectorBatch) -> Delta:
        """Store a new delta object. Raises DeltaExistsError if its id is taken."""
        ...

    def send(self, deltas: Sequence[Delta]) -> None: ...


class Newest(Protocol):
    """A source of the newest delta of each record, and of the deltas' content."""

    def newer(self, collection: Collection, held: Mapping[str, str]) -> Mapping[str, str]: ...

    def vectors(self, collection: Collection, delta_id: str) -> int: ...

    def refused(self, collection: Collection) -> list[str]: ...

    def read(self, collection: Collection, delta_id: str) -> VectorBatch: ...


class Records(Protocol):
    """The records of a collection."""

    def count(self) -> int: ...

    def delta_ids(self, ids: Sequence[str]) -> Mapping[str, str]:
        """Return the delta that brought the vector of each existing record; "" if unknown.

        A delta id that is not a ULID counts as unknown.
        """
        ...


class Repair:
    """Notes faults, plans their repair, and sends it. Its memory does not grow with the faults."""

    def __init__(
        self,
        changes: ChangeSink,
        deltas: DeltaSink,
        newest: Newest,
        records: Mapping[Collection, Records],
        guard: Guard,
        clock: Clock,
        randomness: Random,
        ledger: Ledger,
    ) -> None:
        self._changes, self._deltas, self._newest = changes, deltas, newest
        self._records, self._guard, self._clock = records, guard, clock
        self._randomness, self._ledger = randomness, ledger

    def note(self, example: Example) -> None:
        """Store a difference that a verification found."""
        self._ledger.note(fault_of(example))

    def plan(self) -> Plan:
        """Return the plan that repairs the noted faults. Raises MassDeleteError."""
        for collection, records in self._records.items():
            deletes = self._ledger.count(Remedy.REMOVE, collection)
            if deletes:
                self._guard.check(collection, deletes, records.count())
        resent = 0
        for collection in self._records:
            for page in self._ledger.pages(Remedy.RESEND, collection):
                resent += self._plan_resending(collection, [fault.id for fault in page])
            for page in self._ledger.pages(Remedy.RENEW, collection):
                resent += self._plan_renewing(collection, [fault.id for fault in page])
        return Plan(self._ledger, resent, self._unreadable())

    def beyond(self, limit: DeleteLimit) -> list[str]:
        """Return one phrase for each collection that would lose more records than `limit`."""
        found = []
        for collection, records in self._records.items():
            deletes, count = self._ledger.count(Remedy.REMOVE, collection), records.count()
            if deletes and not limit.allows(deletes, count):
                found.append(f"{deletes:,} of {count:,} records of {collection}")
        return found

    def send(self, advance: Advance = lambda _: None) -> int:
        """Send the planned messages and return their number. Raises the errors of the queue."""
        messages = 0
        for make, remedy in ((remove, Remedy.REMOVE), (recompute, Remedy.RECOMPUTE)):
            for page in self._ledger.pages(remedy):
                keys = [fault.key for fault in page]
                messages += self._changes.send(make(keys, self._clock.now(), WHY))
                advance(len(page))
        for deltas in self._ledger.resend_pages():
            self._deltas.send([Delta.of(*delta) for delta in deltas])
            messages += len(deltas)
            advance(len(deltas))
        for collection, delta_id, ids in self._ledger.renewed():
            messages += self._renew(collection, delta_id, ids)
            advance(1)
        return messages

    def _plan_resending(self, collection: Collection, ids: Sequence[str]) -> int:
        """Plan the records that are missing, and those whose delta is unknown or not the newest."""
        held = self._records[collection].delta_ids(ids)
        newest = self._newest.newer(collection, {i: held.get(i, "") for i in ids})
        for delta_id in newest.values():
            self._note_resend(collection, delta_id)
        self._note_lost(collection, [i for i in ids if i not in newest and not held.get(i)])
        return len(newest)

    def _plan_renewing(self, collection: Collection, ids: Sequence[str]) -> int:
        """Plan the records that lost their vector.

        The compactor would skip their own delta, because the records already name it.
        """
        held = self._records[collection].delta_ids(ids)
        before = {i: _predecessor(held.get(i, "")) for i in ids}
        newest = self._newest.newer(collection, before)
        for chroma_id, delta_id in newest.items():
            if delta_id == held.get(chroma_id):
                self._ledger.note_renew(collection, delta_id, chroma_id)
            else:
                self._note_resend(collection, delta_id)
        self._note_lost(collection, [i for i in ids if i not in newest])
        return len(newest)

    def _note_resend(self, collection: Collection, delta_id: str) -> None:
        self._ledger.note_resend(collection, delta_id, self._newest.vectors(collection, delta_id))

    def _note_lost(self, collection: Collection, ids: Sequence[str]) -> None:
        self._ledger.note(*(Fault(Remedy.REEMBED, collection, i) for i in ids))

    def _unreadable(self) -> list[str]:
        return [
            delta_key(collection, delta_id)
            for collection in self._records
            for delta_id in self._newest.refused(collection)
        ]

    def _renew(self, collection: Collection, delta_id: str, ids: Sequence[str]) -> int:
        try:
            source = self._newest.read(collection, delta_id)
        except DeltaRefusedError:  # The bucket's lifecycle deleted the delta after the plan.
            self._note_lost(collection, ids)
            return 0
        self._deltas.send([self._stored(collection, source, frozenset(ids))])
        return 1

    def _stored(self, collection: Collection, source: VectorBatch, ids: frozenset[str]) -> Delta:
        for _ in range(_TRIES - 1):
            try:
                return self._deltas.store(collection, rows_of(source, ids, self._randomness))
            except DeltaExistsError:
                continue
        return self._deltas.store(collection, rows_of(source, ids, self._randomness))


def _predecessor(delta_id: str) -> str:
    """Return the ULID just before a delta's, so that the delta itself counts as newer.

    Return "" if the delta is unknown or the damaged record holds no ULID. Every delta is newer.
    """
    try:
        return str(ULID.from_int(int(ULID.from_str(delta_id)) - 1))
    except (ValueError, OverflowError):
        return ""
