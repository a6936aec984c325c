"""Repairs what a verification found, through the path that every change takes.

First everything is found and counted, then the mass-delete guard has its say, and only then is
anything sent.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final, Protocol

from ulid import ULID

from compactor.deltas import VectorBatch
from operations.repair.changes import ChangeSink, recompute, remove
from operations.repair.delta_rows import rows_of
from operations.repair.guard import DeleteLimit, Guard
from operations.repair.ledger import Ledger
from operations.repair.plan import Plan
from operations.repair.remedies import Fault, Remedy, fault_of
from operations.verdict import Example
from receipt_sync.clock import Clock
from receipt_sync.errors import DeltaExistsError, DeltaRefusedError
from receipt_sync.keys import Collection
from receipt_sync.messages import Delta, delta_key

WHY: Final = "repair"
_TRIES: Final = 5

Advance = Callable[[int], None]


class DeltaSink(Protocol):
    """Where vectors go."""

    def store(self, collection: Collection, batch: VectorBatch) -> Delta:
        """Store a new delta object. Raises DeltaExistsError if its id is taken."""
        ...

    def send(self, deltas: Sequence[Delta]) -> None: ...


class Newest(Protocol):
    """The deltas of the bucket: the newest of each record, and their content."""

    def newer(self, collection: Collection, held: Mapping[str, str]) -> Mapping[str, str]: ...

    def vectors(self, collection: Collection, delta_id: str) -> int: ...

    def refused(self, collection: Collection) -> list[str]: ...

    def read(self, collection: Collection, delta_id: str) -> VectorBatch: ...


class Records(Protocol):
    """A collection as far as a repair asks it."""

    def count(self) -> int: ...

    def delta_ids(self, ids: Sequence[str]) -> Mapping[str, str]:
        """The delta that brought each record's vector, of those that exist; "" if unknown.

        A delta id that is no ULID is unknown.
        """
        ...


class Repair:
    """Notes faults, plans, and sends. Its memory does not follow their number."""

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
        """Remember something that a verification found."""
        self._ledger.note(fault_of(example))

    def plan(self) -> Plan:
        """Return what would be sent for what was noted. Raises MassDeleteError."""
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
        """Return what would be removed beyond a limit, a phrase a collection."""
        found = []
        for collection, records in self._records.items():
            deletes, count = self._ledger.count(Remedy.REMOVE, collection), records.count()
            if deletes and not limit.allows(deletes, count):
                found.append(f"{deletes:,} of {count:,} records of {collection}")
        return found

    def send(self, advance: Advance = lambda _: None) -> int:
        """Send what was planned; returns the number of messages. Raises what the queue raises."""
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
        """Records that are missing, of an unknown delta, or older than the newest that was sent."""
        held = self._records[collection].delta_ids(ids)
        newest = self._newest.newer(collection, {i: held.get(i, "") for i in ids})
        for delta_id in newest.values():
            self._note_resend(collection, delta_id)
        self._note_lost(collection, [i for i in ids if i not in newest and not held.get(i)])
        return len(newest)

    def _plan_renewing(self, collection: Collection, ids: Sequence[str]) -> int:
        """Records that lost their vector. Their own delta would change nothing a second time."""
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
        except DeltaRefusedError:  # its time in the bucket was over between the plan and now
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
    """The ULID before a delta's, so that what is newer includes the delta itself.

    Of a record whose delta is unknown, or no ULID as the record is damaged, every delta is newer.
    """
    try:
        return str(ULID.from_int(int(ULID.from_str(delta_id)) - 1))
    except (ValueError, OverflowError):
        return ""
