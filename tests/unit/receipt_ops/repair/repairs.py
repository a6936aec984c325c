"""Repairs on stand-ins in memory."""

from collections.abc import Mapping, Sequence
from random import Random

from ulid import ULID

from receipt_index.deltas import VectorBatch
from receipt_ops.repair.delta_index import DeltaIndex
from receipt_ops.repair.guard import DeleteLimit, Guard
from receipt_ops.repair.ledger import Ledger
from receipt_ops.repair.newest_vectors import NewestVectors
from receipt_ops.repair.plan import Plan
from receipt_ops.repair.remedies import Fault, Remedy
from receipt_ops.repair.repair import Repair
from receipt_sync.deadline import Deadline
from receipt_sync.errors import DeltaExistsError
from receipt_sync.keys import Collection
from receipt_sync.messages import Delta
from stream_processor.detection import EntityChange
from stream_processor.packing import OutgoingMessage
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.system import line
from tests.unit.receipt_ops.fakes import InMemoryDeltas

LINES, WORDS = Collection.LINES, Collection.WORDS
LINE = line(1)
DELTAS = [str(ULID.from_int(n)) for n in range(1, 10)]
LATER = str(ULID.from_int(1 << 80))
"""The first of the next millisecond."""


class Changes:
    """Changes that were sent."""

    def __init__(self) -> None:
        self.sent: list[EntityChange] = []
        self.calls: list[int] = []

    def send(self, changes: Sequence[EntityChange]) -> int:
        self.sent += changes
        self.calls.append(len(changes))
        return 1


class Deltas:
    """Deltas that were stored and sent; the first `taken` ids belong to another producer."""

    def __init__(self, taken: int = 0) -> None:
        self.stored: list[VectorBatch] = []
        self.sent: list[Delta] = []
        self.taken = taken

    def store(self, collection: Collection, batch: VectorBatch) -> Delta:
        if self.taken:
            self.taken -= 1
            raise DeltaExistsError("taken")
        self.stored.append(batch)
        return Delta.of(collection, batch.delta_id, len(batch.ids))

    def send(self, deltas: Sequence[Delta]) -> None:
        self.sent += deltas


class Records:
    """How many records there are, and which delta brought them."""

    def __init__(self, count: int = 100, **delta_ids: str) -> None:
        self._count, self._delta_ids = count, delta_ids

    def count(self) -> int:
        return self._count

    def delta_ids(self, ids: Sequence[str]) -> Mapping[str, str]:
        return {i: self._delta_ids[i] for i in ids if i in self._delta_ids}


OWN, COMPACTORS = DeleteLimit(0.1, 2), DeleteLimit(0.2, 4)


class Setup:
    """A repair on fakes, of a collection of two dimensions."""

    def __init__(
        self, objects: InMemoryDeltas | None = None, taken: int = 0, **records: Records
    ) -> None:
        self.changes, self.deltas = Changes(), Deltas(taken)
        self.objects = objects or InMemoryDeltas()
        self.held = {LINES: records.get("lines", Records()), WORDS: records.get("words", Records())}
        self.ledger = Ledger()
        self.repair = Repair(
            self.changes,
            self.deltas,
            NewestVectors(DeltaIndex(self.objects), self.objects, lambda _: 2, ManualClock()),
            self.held,
            Guard(OWN, COMPACTORS),
            ManualClock(),
            Random(1),
            self.ledger,
        )

    def plan(self, *faults: Fault) -> Plan:
        self.ledger.note(*faults)
        return self.repair.plan()


def fault(remedy: Remedy, chroma_id: str, collection: Collection = LINES) -> Fault:
    return Fault(remedy, collection, chroma_id)


class ChangePublisher:
    """Takes messages, or leaves some."""

    def __init__(self, leaves: int = 0) -> None:
        self.messages: list[OutgoingMessage] = []
        self.leaves = leaves

    def send(
        self, messages: Sequence[OutgoingMessage], deadline: Deadline
    ) -> list[OutgoingMessage]:
        self.messages += messages
        return list(messages[: self.leaves])
