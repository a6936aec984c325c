"""Writer, ledger and watcher together, on a system that publishes at random moments."""

from collections.abc import Iterator
from itertools import count
from random import Random

import pytest

from loadtest.kinds import Kind, Mix
from loadtest.watcher.expectations import Expectation, Sighting
from loadtest.watcher.watcher import Watcher
from loadtest.writers.actions import Actions
from loadtest.writers.ledger import Ledger
from loadtest.writers.writer import ReceiptWriter
from receipt_ops.loading.receipts import Receipt
from receipt_sync.keys import Collection
from tests.support.fakes.clock import ManualClock
from tests.unit.loadtest.memory_system import MemorySystem, receipt

LIMIT = 1e6


class Stage:
    """A writer and a watcher on one in-memory system. Each action advances the clock by 1 s."""

    def __init__(self, seed: int) -> None:
        self.system, self.clock = MemorySystem(), ManualClock()
        self.randomness = Random(seed)
        base = [receipt(f"base {number}") for number in range(4)]
        for one in base:
            self.system.receipt(one)
        self.publish_all()
        self.expected: dict[int, Expectation] = {}
        self.arrived: list[Expectation] = []
        self.seen: list[Sighting] = []
        self.failures: list[Exception] = []
        self.counted = 0
        self.writer = ReceiptWriter(
            Ledger(base), Actions(3), self.system, arrivals(), count(1), self.clock, self
        )
        self.watcher = Watcher(self.system.readers, self.clock, LIMIT, self.seen.append)

    def wrote(self, kind: Kind, changes: int, seconds: float, error: Exception | None) -> None:
        self.counted += changes
        if error is not None:
            self.failures.append(error)

    def expect(self, expectation: Expectation) -> None:
        self.expected[expectation.action] = expectation
        self.arrived.append(expectation)

    def perform(self, kind: Kind) -> None:
        self.clock.advance(1)
        self.writer.perform(kind, self.randomness)

    def watch(self) -> None:
        arrived, self.arrived = self.arrived, []
        self.watcher.turn(arrived)

    def publish_all(self) -> None:
        self.system.deliver()
        for collection in Collection:
            self.system.publish(collection)


def arrivals() -> Iterator[Receipt]:
    return (receipt(f"new {number}") for number in count())


@pytest.mark.parametrize("seed", range(40))
def test_every_change_is_seen_in_the_end_and_none_before_it_was_published(seed: int) -> None:
    stage = Stage(seed)
    mix, randomness = Mix.parse("receipt=5,merchant=10,delete=15"), Random(f"steps {seed}")
    published_at = 0.0
    for _ in range(120):
        stage.perform(mix.draw(randomness))
        step = randomness.random()
        if step < 0.2:
            stage.system.deliver()
        if step < 0.4:
            stage.system.publish(randomness.choice(list(Collection)))
            published_at = stage.clock.now().timestamp()
        stage.watch()
        for sighting in stage.seen:
            written_at = stage.expected[sighting.action].written_at
            assert sighting.seen_at is not None
            assert written_at <= published_at
    assert 0 < len(stage.seen) < len(stage.expected)
    stage.publish_all()
    stage.watch()
    assert sorted(sighting.action for sighting in stage.seen) == sorted(stage.expected)
    assert stage.failures == []


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.IRRELEVANT])
def test_each_kind_of_change_is_seen_once_both_collections_are_published(kind: Kind) -> None:
    for seed in range(10):
        stage = Stage(seed)
        stage.perform(kind)
        stage.watch()
        assert stage.seen == []
        assert len(stage.expected) == 1
        stage.clock.advance(2)
        stage.publish_all()
        stage.watch()
        ((sighting),) = stage.seen
        assert (sighting.kind, sighting.seconds) == (kind, 2.0)


def test_a_vector_that_is_late_holds_its_change_back() -> None:
    stage = Stage(1)
    stage.perform(Kind.VECTOR)
    for collection in Collection:
        stage.system.publish(collection)
    stage.watch()
    assert stage.seen == []
    stage.publish_all()
    stage.watch()
    assert len(stage.seen) == 1


def test_a_change_that_was_published_before_the_watcher_heard_of_it_counts_from_then() -> None:
    stage = Stage(1)
    stage.watch()
    stage.perform(Kind.LINE)
    late, stage.arrived = stage.arrived, []
    stage.clock.advance(3)
    stage.publish_all()
    stage.watch()
    stage.clock.advance(10)
    stage.arrived = late
    stage.watch()
    assert [sighting.seconds for sighting in stage.seen] == [3.0]


def test_nothing_is_read_while_nothing_is_new() -> None:
    stage = Stage(1)
    stage.perform(Kind.LINE)
    stage.watch()
    reads = stage.system.readers[Collection.LINES].reads
    stage.watch()
    assert stage.system.readers[Collection.LINES].reads == reads


def test_an_action_takes_up_as_many_changes_as_it_writes_items() -> None:
    stage = Stage(4)
    lines, words = 4, 8
    changes = {
        kind: stage.writer.perform(kind, stage.randomness) for kind in Kind if kind != Kind.DELETE
    }
    assert changes == {
        Kind.RECEIPT: 1 + 2 * (lines + words),
        Kind.BURST: 3,
        Kind.IRRELEVANT: 0,
        **dict.fromkeys([Kind.MERCHANT, Kind.LINE, Kind.WORD, Kind.VECTOR, Kind.HOT], 1),
    }
    before = len(stage.system.items)
    assert (
        stage.writer.perform(Kind.DELETE, stage.randomness) == before - len(stage.system.items) > 0
    )
    assert stage.counted == sum(changes.values()) + before - len(stage.system.items)
    assert {e.kind: e.changes for e in stage.expected.values()}[Kind.RECEIPT] == changes[
        Kind.RECEIPT
    ]


def test_irrelevant_writes_are_made_and_nothing_is_expected_of_them() -> None:
    stage = Stage(2)
    for _ in range(20):
        stage.perform(Kind.IRRELEVANT)
    assert stage.expected == {}
    assert stage.system.foreign_items
    assert stage.failures == []


def test_a_failed_write_is_reported_and_its_receipt_left_alone() -> None:
    stage = Stage(3)
    stage.system.failing = ValueError("refused")
    assert stage.writer.perform(Kind.BURST, stage.randomness) == 1
    assert stage.system.calls.count("set") == 1
    assert len(stage.failures) == 1
    assert stage.expected == {}
    stage.system.failing = None
    for _ in range(30):
        stage.perform(Kind.LINE)
    assert len(stage.expected) == 30


def test_a_receipt_that_was_added_is_edited_like_any_other() -> None:
    stage = Stage(5)
    stage.perform(Kind.RECEIPT)
    (added,) = (group.ids[0] for group in stage.expected[1].wanted[:1])
    image = added.partition("#RECEIPT#")[0]
    for _ in range(40):
        stage.perform(Kind.LINE)
    edits = [expectation.wanted[0].ids[0] for expectation in stage.expected.values()]
    assert sum(chroma_id.startswith(image) for chroma_id in edits) > 1


def test_a_burst_is_one_change_with_the_last_of_its_values() -> None:
    stage = Stage(4)
    stage.perform(Kind.BURST)
    (expectation,) = stage.expected.values()
    texts = {
        group.fields["text"]
        for group in expectation.wanted
        if group.fields and "text" in group.fields
    }
    assert len(texts) == 1
    assert texts.pop().endswith(".3")
    assert stage.system.calls.count("set") == 3
