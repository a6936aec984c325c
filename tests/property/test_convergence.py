"""I1: the index ends equal to the table, whatever happens to the messages.

Hypothesis draws a history of edits. The queue duplicates, reorders, delays and returns messages.
Several workers overlap, the table throttles, and publishes are refused. After the writes stop and
the queue is empty, every record must be the projection of the table.
"""

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from compactor.batch.compaction import Compactor
from compactor.batch.entries import QueueMessage
from receipt_index.snapshot.copies.working_copy import Published
from receipt_sync.attributes import decode_item
from receipt_sync.changes import EventName, detect_changes
from receipt_sync.errors import TableReadError
from receipt_sync.keys import Collection, EntityKey, EntityType
from tests.support.fakes.system import InMemorySystem, line, metadata, word
from tests.support.fakes.target import InMemoryTarget

RECEIPTS = [("img", 1), ("img", 2)]
TEXTS = st.sampled_from(["a", "b", "", "c\x00", "\U0001f9fe"])
ALL_KEYS = [
    key
    for image, receipt in RECEIPTS
    for key in (
        *(line(number, image, receipt) for number in (0, 1, 2)),
        *(word(number, 1, image, receipt) for number in (0, 1, 2)),
    )
]
KEYS = st.sampled_from(ALL_KEYS)
METADATA = st.sampled_from([metadata(image, receipt) for image, receipt in RECEIPTS])


class Interrupted(InMemoryTarget):
    """While it pauses before its publish, another worker handles the whole queue."""

    meanwhile = staticmethod(lambda: None)

    def publish(self, record_count: int | None) -> Published:
        self.meanwhile()
        return super().publish(record_count)


class Convergence(RuleBasedStateMachine):
    def make_system(self) -> InMemorySystem:
        return InMemorySystem()

    @initialize()
    def start(self) -> None:
        self.system = self.make_system()
        self.workers: list[Compactor] = [self.system.worker(name) for name in ("one", "two")]
        self.queue: dict[int, str] = {}
        self.sent = 0
        self.items: dict[EntityKey, dict[str, Any]] = {}
        self.embedded: dict[EntityKey, str] = {}
        self.deleted: set[EntityKey] = set()
        for key in ALL_KEYS:
            self.write(key, "first", None)
        self.embed(set(ALL_KEYS))
        self._handle(self.workers[0], list(self.queue), keep=False)

    @rule(key=KEYS, text=TEXTS, noise=st.none() | st.booleans())
    def write(self, key: EntityKey, text: str, noise: bool | None) -> None:
        item = {"text": {"S": text}}
        self._write(key, item if noise is None else {**item, "is_noise": {"BOOL": noise}})

    @rule(key=METADATA, name=st.sampled_from(["Cafe", "Bar"]))
    def name_merchant(self, key: EntityKey, name: str) -> None:
        self._write(key, {"merchant_name": {"S": name}})

    @rule(key=KEYS | METADATA)
    def delete(self, key: EntityKey) -> None:
        if key in self.items:
            self._emit(key, self.items.pop(key), None)
            del self.system.table.items[key]
            self.embedded.pop(key, None)
            self.deleted.add(key)

    @rule(keys=st.sets(KEYS, min_size=1, max_size=4) | st.just(set(ALL_KEYS[:2])))
    def embed(self, keys: set[EntityKey]) -> None:
        for collection in Collection:
            existing = [k for k in keys if k.collection is collection and k in self.items]
            if existing:
                body = self.system.delta_body(existing)
                self._send(body)
                self.embedded |= dict.fromkeys(existing, json.loads(body)["delta_id"])

    @rule(data=st.data(), worker=st.integers(0, 1), keep=st.booleans())
    def deliver(self, data: st.DataObject, worker: int, keep: bool) -> None:
        """Return some messages in any order. With `keep`, SQS delivers them once more."""
        if self.queue:
            order = data.draw(st.permutations(list(self.queue)))
            chosen = order[: data.draw(st.integers(1, len(order)))]
            self._handle(self.workers[worker], chosen, keep=keep)

    @rule()
    def deliver_while_the_table_throttles(self) -> None:
        self.system.table.failing = TableReadError("throttled")
        self._handle(self.workers[0], list(self.queue), keep=False)
        self.system.table.failing = None

    @rule(data=st.data(), worker=st.integers(0, 1))
    def deliver_one(self, data: st.DataObject, worker: int) -> None:
        if self.queue:
            chosen = data.draw(st.sampled_from(list(self.queue)))
            self._handle(self.workers[worker], [chosen], keep=False)

    @rule(key=KEYS, text=TEXTS, back=st.booleans(), settled=st.booleans())
    def deliver_to_a_worker_that_pauses_while_another_takes_over(
        self, key: EntityKey, text: str, back: bool, settled: bool
    ) -> None:
        """With `back`, the edit that the paused worker read is undone during the pause."""
        if settled:
            self._handle(self.workers[0], list(self.queue), keep=False)
        old = self.items.get(key, {}).get("text", {"S": "first"})["S"]
        self.write(key, text, None)

        def take_over() -> None:
            Interrupted.meanwhile = staticmethod(lambda: None)
            self.system.clock.advance(61)
            self.write(key, old if back else text + "!", None)
            self._handle(self.workers[1], list(self.queue), keep=False)

        Interrupted.meanwhile = staticmethod(take_over)
        paused = self.system.worker("paused", wrap=lambda target: Interrupted(target.state))
        self._handle(paused, list(self.queue), keep=False)
        Interrupted.meanwhile = staticmethod(lambda: None)

    @rule(worker=st.integers(0, 1))
    def restart(self, worker: int) -> None:
        self.workers[worker] = self.system.worker(f"cold-{worker}")

    @invariant()
    def nothing_is_parked(self) -> None:
        if hasattr(self, "system"):
            assert self.system.dead_letters.parked == []

    def teardown(self) -> None:
        if not hasattr(self, "system"):
            return
        for _ in range(3):
            self._handle(self.workers[0], list(self.queue), keep=False)
        assert self.queue == {}
        assert self.system.differences() == []
        held = {i: r for c in Collection for i, r in self.system.index(c).records.items()}
        for key, newest_delta in self.embedded.items():
            assert key.chroma_id in held
            if key not in self.deleted:  # the record's delta id is deleted with the record
                assert held[key.chroma_id].metadata["delta_id"] == newest_delta

    def _write(self, key: EntityKey, item: dict[str, Any]) -> None:
        old = self.items.get(key)
        self.items[key] = item
        self.system.table.items[key] = decode_item(item)
        self._emit(key, old, item)

    def _emit(self, key: EntityKey, old: dict[str, Any] | None, new: dict[str, Any] | None) -> None:
        event: EventName = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
        changes = detect_changes(EntityType(key.entity_type), old, new)
        if changes or event != "MODIFY":
            self._send(self.system.change_body(key, *changes, event=event))

    def _send(self, body: str) -> None:
        self.sent += 1
        self.queue[self.sent] = body

    def _handle(self, worker: Compactor, chosen: list[int], *, keep: bool) -> None:
        messages = [QueueMessage(str(number), self.queue[number]) for number in chosen]
        report = worker.handle(messages, self.system.deadline())
        for number in chosen:
            if not keep and str(number) not in report.returned:
                self.queue.pop(number, None)


Convergence.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestConvergence = Convergence.TestCase
