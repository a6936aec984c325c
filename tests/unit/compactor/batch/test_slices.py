"""Work in slices: bounded by records, by vectors and by the deadline, and nothing lost of it."""

import gc
import weakref
from collections import abc
from collections.abc import Callable
from unittest.mock import patch

import pytest

from compactor.batch.compaction import BatchReport, Compactor
from compactor.batch.entries import QueueMessage
from compactor.batch.slices import RECORD_BYTES, SliceLimits
from compactor.cycle.projection import Item
from receipt_index.deltas import VectorBatch, decode
from receipt_index.snapshot.copies.working_copy import Published
from receipt_sync.deadline import Deadline
from receipt_sync.errors import TableReadError
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta, batch_body
from tests.support.fakes.system import InMemorySystem, line, metadata, word
from tests.support.fakes.target import InMemoryTarget

TEN = SliceLimits(10 * RECORD_BYTES)


@pytest.fixture
def system() -> InMemorySystem:
    return InMemorySystem()


def load(system: InMemorySystem, lines: int, receipt_id: int = 1) -> None:
    """A receipt with so many lines and no words."""
    keys = [line(number, receipt_id=receipt_id) for number in range(1, lines + 1)]
    system.table.put(metadata(receipt_id=receipt_id), merchant_name="Cafe")
    for key in keys:
        system.table.put(key, text=f"text of {key.sk}")
    assert system.handle(system.worker(), system.delta_body(keys)).returned == {}


def handle(
    system: InMemorySystem, compactor: Compactor, seconds: float, *bodies: str
) -> BatchReport:
    messages = [QueueMessage(str(number), body) for number, body in enumerate(bodies)]
    return compactor.handle(messages, system.deadline(seconds))


def slowly(system: InMemorySystem, seconds: float) -> Callable[[InMemoryTarget], InMemoryTarget]:
    """Targets whose every publish takes so long."""

    class Slow(InMemoryTarget):
        def publish(self, record_count: int | None) -> Published:
            system.clock.advance(seconds)
            return super().publish(record_count)

    return lambda target: Slow(target.state)


def test_a_merchants_new_name_is_worked_in_slices_each_published(system: InMemorySystem) -> None:
    load(system, lines=35)
    system.table.put(metadata(), merchant_name="New Cafe")
    body = system.change_body(metadata(), "merchant_name")
    report = system.handle(system.worker(limits=TEN), body)
    lines = [c.updated for c in report.cycles if c.collection is Collection.LINES]
    assert lines == [10, 10, 10, 5]
    assert (report.returned, system.differences()) == ({}, [])


def test_a_receipt_that_fits_just_into_its_slices_ends_without_an_empty_one(
    system: InMemorySystem,
) -> None:
    load(system, lines=20)
    system.table.put(metadata(), merchant_name="New Cafe")
    report = system.handle(
        system.worker(limits=TEN), system.change_body(metadata(), "merchant_name")
    )
    lines = [c.updated for c in report.cycles if c.collection is Collection.LINES]
    assert lines == [10, 10]
    assert system.differences() == []


def test_a_slice_of_a_receipt_keeps_the_context_of_records_at_its_edge(
    system: InMemorySystem,
) -> None:
    """Line 10 ends the first slice, and its neighbour's text changes with the merchant."""
    load(system, lines=20)
    system.table.put(metadata(), merchant_name="New Cafe")
    system.table.put(line(11), text="edited")
    bodies = [system.change_body(metadata(), "merchant_name"), system.change_body(line(11), "text")]
    assert system.handle(system.worker(limits=TEN), *bodies).returned == {}
    assert system.index().records[line(10).chroma_id].metadata["next_line_text"] == "edited"
    assert system.differences() == []


def test_many_receipts_of_one_message_are_worked_in_slices(system: InMemorySystem) -> None:
    for receipt_id in range(1, 9):
        load(system, 4, receipt_id)
    renames = []
    for receipt_id in range(1, 9):
        system.table.put(metadata(receipt_id=receipt_id), merchant_name="New")
        renames.append(system.change_body(metadata(receipt_id=receipt_id), "merchant_name"))
    report = system.handle(system.worker(limits=TEN), batch_body(renames))
    lines = [c.updated for c in report.cycles if c.collection is Collection.LINES]
    assert sum(lines) == 32
    assert max(lines) == 10
    assert (report.returned, system.differences()) == ({}, [])


def test_a_delta_is_worked_in_slices(system: InMemorySystem) -> None:
    keys = [line(number) for number in range(1, 36)]
    for key in keys:
        system.table.put(key, text="a")
    report = system.handle(system.worker(limits=TEN), system.delta_body(keys))
    inserted = [cycle.inserted for cycle in report.cycles]
    assert sum(inserted) == 35
    assert max(inserted) <= 10
    assert (report.returned, system.differences()) == ({}, [])


def test_a_slice_has_room_up_to_its_last_record(system: InMemorySystem) -> None:
    """Changes of eight records leave room for one vector, which comes into the same slice."""
    load(system, lines=9)
    system.table.put(line(20), text="a")
    bodies = [system.change_body(line(number), "confidence") for number in range(1, 9)]
    delta = system.delta_body([line(20)])
    report = system.handle(system.worker(limits=TEN), *bodies, delta)
    assert [cycle.inserted for cycle in report.cycles] == [1]


@pytest.mark.parametrize(
    ("field", "value", "cycles"), [("confidence", 0.5, 1), ("text", "another", 3)]
)
def test_a_change_takes_the_room_of_the_records_that_it_touches(
    system: InMemorySystem, field: str, value: object, cycles: int
) -> None:
    load(system, lines=9)
    system.table.put(line(5), **(system.table.items[line(5)] | {field: value}))
    bodies = [system.change_body(line(number), field) for number in range(1, 10)]
    report = handle(system, system.worker(limits=TEN), 60, *bodies)
    assert (len(report.cycles), report.returned) == (cycles, {})
    assert system.differences() == []


def test_small_deltas_share_a_slice(system: InMemorySystem) -> None:
    for number in range(1, 9):
        system.table.put(line(number), text="a")
    bodies = [system.delta_body([line(number)]) for number in range(1, 9)]
    report = system.handle(system.worker(limits=TEN), *bodies)
    assert [cycle.inserted for cycle in report.cycles] == [8]


def test_objects_of_large_deltas_are_fetched_when_their_slice_comes(system: InMemorySystem) -> None:
    keys = [line(number) for number in range(1, 1_501)]
    for key in keys:
        system.table.put(key, text="a")
    bodies = [system.delta_body(keys) for _ in range(3)]
    fetched: list[int] = []
    read = system.deltas.read

    def counted(key: str) -> bytes:
        fetched.append(system.published[Collection.LINES].version)
        return read(key)

    system.deltas.read = counted  # type: ignore[method-assign]
    assert system.handle(system.worker(), *bodies).returned == {}
    assert fetched == [0, 1, 2]


def test_a_slice_that_failed_is_not_held_on_to(system: InMemorySystem) -> None:
    keys = [line(number) for number in range(1, 1_501)]
    for key in keys:
        system.table.put(key, text="a")
    bodies = [system.delta_body(keys) for _ in range(3)]
    held: list[weakref.ref[VectorBatch]] = []
    alive: list[int] = []

    def watched(data: bytes, delta: Delta) -> VectorBatch:
        alive.append(sum(ref() is not None for ref in held))
        batch = decode(data, delta)
        held.append(weakref.ref(batch))
        return batch

    system.table.failing = TableReadError("throttled")
    with patch("compactor.batch.fetching.decode", watched):
        gc.disable()
        try:
            returned = system.handle(system.worker(limits=SliceLimits(2**20)), *bodies).returned
        finally:
            gc.enable()
    assert len(returned) == 3
    assert alive == [0, 0, 0]


def test_finished_messages_are_done_as_the_deadline_nears_and_the_rest_returns(
    system: InMemorySystem,
) -> None:
    for receipt_id in range(1, 5):
        load(system, 10, receipt_id)
        system.table.put(metadata(receipt_id=receipt_id), merchant_name="New")
    bodies = [system.change_body(metadata(receipt_id=r), "merchant_name") for r in range(1, 5)]
    worker = system.worker(limits=TEN, wrap=slowly(system, 6))
    report = handle(system, worker, 27, *bodies)
    assert list(report.returned) == ["2", "3"]
    assert all("DeadlineNearError" in reason for reason in report.returned.values())
    for receipt_id, merchant in ((1, "New"), (2, "New"), (4, "Cafe")):
        record = system.index().records[line(1, receipt_id=receipt_id).chroma_id]
        assert record.metadata["merchant_name"] == merchant


def test_a_message_of_which_a_slice_failed_returns_and_is_applied_when_it_comes_again(
    system: InMemorySystem,
) -> None:
    load(system, lines=35)
    system.table.put(metadata(), merchant_name="New Cafe")
    body = system.change_body(metadata(), "merchant_name")
    worker = system.worker(limits=TEN)
    get = system.table.get
    calls: list[abc.Collection[EntityKey]] = []

    def fails_at_the_third(
        keys: abc.Collection[EntityKey], deadline: Deadline
    ) -> dict[EntityKey, Item | None]:
        calls.append(keys)
        if len(calls) == 3:
            raise TableReadError("throttled")
        return get(keys, deadline)

    system.table.get = fails_at_the_third  # type: ignore[method-assign]
    assert list(system.handle(worker, body).returned) == ["0"]
    assert len(system.differences()) == 15
    assert system.handle(worker, body).returned == {}
    assert system.differences() == []


def test_a_change_beside_a_sliced_receipt_is_done_though_the_receipt_is_not(
    system: InMemorySystem,
) -> None:
    load(system, lines=35)
    load(system, lines=1, receipt_id=2)
    system.table.put(metadata(), merchant_name="New Cafe")
    system.table.put(line(1, receipt_id=2), text="edited")
    worker = system.worker(limits=TEN, wrap=slowly(system, 6))
    bodies = [
        system.change_body(line(1, receipt_id=2), "text"),
        system.change_body(metadata(), "merchant_name"),
    ]
    assert list(handle(system, worker, 15, *bodies).returned) == ["1"]
    assert "edited" in repr(system.index().records[line(1, receipt_id=2).chroma_id].metadata)


def test_an_entity_that_goes_while_its_receipt_is_worked_is_deleted_by_its_own_message(
    system: InMemorySystem,
) -> None:
    load(system, lines=35)
    system.table.put(metadata(), merchant_name="New Cafe")
    del system.table.items[line(12)]
    bodies = [
        system.change_body(metadata(), "merchant_name"),
        system.change_body(line(12), event="REMOVE"),
    ]
    assert system.handle(system.worker(limits=TEN), *bodies).returned == {}
    assert line(12).chroma_id not in system.index().records
    assert system.differences() == []


def test_words_of_a_receipt_do_not_use_up_the_slices_of_its_lines(system: InMemorySystem) -> None:
    load(system, lines=12)
    words = [word(number, 3) for number in range(1, 61)]
    for key in words:
        system.table.put(key, text="w")
    system.handle(system.worker(), system.delta_body(words))
    system.table.put(metadata(), merchant_name="New Cafe")
    report = system.handle(
        system.worker(limits=TEN), system.change_body(metadata(), "merchant_name")
    )
    lines = [c.updated for c in report.cycles if c.collection is Collection.LINES]
    assert lines == [10, 2]
    assert system.differences() == []


@pytest.mark.parametrize(("deltas", "groups"), [(1, 1), (2, 1), (3, 2), (4, 2)])
def test_messages_that_just_fit_into_a_slice_are_read_together(
    system: InMemorySystem, deltas: int, groups: int
) -> None:
    """A message weighs as much as its vectors before they are fetched: here five records."""
    keys = [line(number) for number in range(1, 6)]
    messages = [QueueMessage(str(n), system.delta_body(keys)) for n in range(deltas)]
    assert len(list(system.worker(limits=TEN)._groups(messages))) == groups


def test_what_was_finished_before_time_ran_out_does_not_return_with_what_was_not_begun(
    system: InMemorySystem,
) -> None:
    """Messages 0 to 3 are worked together. Message 4 comes for the third time, and so alone."""
    for receipt_id in range(1, 6):
        load(system, 10, receipt_id)
        system.table.put(metadata(receipt_id=receipt_id), merchant_name="New")
    bodies = [system.change_body(metadata(receipt_id=r), "merchant_name") for r in range(1, 6)]
    messages = [
        QueueMessage(str(n), body, receives=1 + n // 4 * 2) for n, body in enumerate(bodies)
    ]
    worker = system.worker(limits=TEN, wrap=slowly(system, 6))
    acknowledged: list[str] = []
    report = worker.handle(
        messages,
        system.deadline(27),
        lambda done: acknowledged.extend(message.message_id for message in done),
    )
    assert acknowledged == ["0", "1"]
    assert sorted(report.returned) == ["2", "3", "4"]
    assert report.late == {"2", "3", "4"}
