"""A complete compactor on fakes: one table, one set of versions, any number of workers."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from random import Random

import numpy as np

from compactor.batch.compaction import BatchReport, Compactor
from compactor.batch.entries import QueueMessage
from compactor.batch.slices import SliceLimits
from compactor.cycle.cycle import Cycle
from compactor.cycle.delete_guard import DeleteGuard
from compactor.cycle.plan import same
from compactor.cycle.projection import ALL, neighbourhood, project
from compactor.locking.lease import Lease, LeaseTerms
from receipt_index.deltas import VectorBatch, encode
from receipt_index.records import DELTA_ID
from receipt_sync.changes import EventName
from receipt_sync.deadline import Deadline
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Change, Delta, EntityData, delta_key, to_body
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.index import InMemoryIndex
from tests.support.fakes.locks import InMemoryLockTable, no_heartbeat
from tests.support.fakes.queues import InMemoryDeadLetterQueue, InMemoryDeltas
from tests.support.fakes.table import InMemoryTable
from tests.support.fakes.target import InMemoryTarget, PublishedState
from tests.support.fakes.telemetry import RecordingTelemetry

DIMENSION = 4


class InMemorySystem:
    """The state that all workers share, and helpers that act as the producers."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.telemetry = RecordingTelemetry()
        self.table = InMemoryTable()
        self.locks = InMemoryLockTable()
        self.deltas = InMemoryDeltas()
        self.dead_letters = InMemoryDeadLetterQueue()
        self.published = {collection: PublishedState() for collection in Collection}
        self._made = 0

    def worker(
        self,
        name: str = "worker",
        *,
        guard: DeleteGuard | None = None,
        wrap: Callable[[InMemoryTarget], InMemoryTarget] = lambda target: target,
        limits: SliceLimits | None = None,
    ) -> Compactor:
        """Return a new compactor without a working copy."""
        limits = limits or SliceLimits(2**28)
        cycles = {c: self._cycle(c, name, guard, wrap, limits.records) for c in Collection}
        return Compactor(cycles, self.deltas, self.dead_letters, self.clock, self.telemetry, limits)

    def _cycle(
        self,
        collection: Collection,
        name: str,
        guard: DeleteGuard | None,
        wrap: Callable[[InMemoryTarget], InMemoryTarget],
        most: int,
    ) -> Cycle:
        lease = self.lease(collection, name)
        target = wrap(InMemoryTarget(self.published[collection]))
        guard = guard or DeleteGuard(0.1, 1000)
        return Cycle(collection, lease, target, self.table, guard, self.telemetry, most)

    def lease(self, collection: Collection, name: str) -> Lease:
        """Return the lease of a collection for the worker with that name."""
        return Lease(
            self.locks,
            LeaseTerms(f"lock-{collection}", name, timedelta(seconds=60)),
            no_heartbeat,
            self.clock,
            Random(1),
            self.telemetry,
        )

    def deadline(self, seconds: float = 60) -> Deadline:
        return Deadline(self.clock, seconds)

    def handle(self, compactor: Compactor, *bodies: str) -> BatchReport:
        """Handle one batch of messages with the given bodies. Their ids are "0", "1" and so on."""
        messages = [QueueMessage(str(number), body) for number, body in enumerate(bodies)]
        return compactor.handle(messages, self.deadline())

    def change(
        self, key: EntityKey, *fields: str, event: EventName = "MODIFY", number: int = 1
    ) -> Change:
        """Return the change message that a stream processor would send."""
        return Change(
            entity_type=key.entity_type,
            entity_data=EntityData.of(key),
            changes={field: {} for field in fields},
            event_name=event,
            timestamp=self.clock.now(),
            stream_record_id=f"event-{number}",
            sequence_number=str(number),
            aws_region="eu-west-1",
        )

    def change_body(self, key: EntityKey, *fields: str, event: EventName = "MODIFY") -> str:
        return to_body(self.change(key, *fields, event=event))

    def delta_body(
        self,
        keys: Iterable[EntityKey],
        *,
        texts: Iterable[str] | None = None,
        dimension: int = DIMENSION,
    ) -> str:
        """Store a delta of the current texts of `keys`, and return its message."""
        keys = list(keys)
        self._made += 1
        delta_id = f"{self._made:026d}"
        held = (str((self.table.items.get(key) or {}).get("text", "")) for key in keys)
        batch = VectorBatch(
            delta_id,
            tuple(key.chroma_id for key in keys),
            np.full((len(keys), dimension), self._made, dtype=np.float32),
            tuple(texts if texts is not None else held),
        )
        collection = keys[0].collection
        assert collection is not None
        self.deltas.objects[delta_key(collection, delta_id)] = encode(batch)
        return to_body(Delta.of(collection, delta_id, len(keys)))

    def index(self, collection: Collection = Collection.LINES) -> InMemoryIndex:
        """Return the published records."""
        return self.published[collection].index

    def differences(self) -> list[str]:
        """Return the ids of published records that differ from the projection of the table (I1)."""
        return [
            chroma_id for collection in Collection for chroma_id in self._differences(collection)
        ]

    def _differences(self, collection: Collection) -> list[str]:
        wrong = []
        keys = {key.chroma_id: key for key in self.table.items}
        for chroma_id, record in self.index(collection).records.items():
            key = keys.get(chroma_id)
            if key is None:
                wrong.append(chroma_id)
                continue
            items = {k: self.table.items.get(k) for k in neighbourhood(key, ALL)}
            expected = project(key, items, ALL, record.document)
            names = {*expected, *record.metadata} - {DELTA_ID}
            held = record.metadata
            if not all(same(held.get(name), expected.get(name)) for name in names):
                wrong.append(chroma_id)
        return wrong


def line(line_id: int, image_id: str = "img", receipt_id: int = 1) -> EntityKey:
    return EntityKey(image_id, receipt_id, line_id)


def word(word_id: int, line_id: int = 1, image_id: str = "img", receipt_id: int = 1) -> EntityKey:
    return EntityKey(image_id, receipt_id, line_id, word_id)


def metadata(image_id: str = "img", receipt_id: int = 1) -> EntityKey:
    return EntityKey(image_id, receipt_id)
