"""A message that kills its worker takes no healthy message of its batch to the dead-letter queue.

The queue of these tests delivers a batch again as a whole, at most five times, as SQS does with
messages that were received together. Each delivery goes to a new worker.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from random import Random
from unittest.mock import patch

import pytest

from compactor.batch.division import divided
from compactor.batch.drain import drain
from compactor.batch.entries import QueueMessage
from receipt_index.records import Metadata
from receipt_sync.deadline import Deadline
from receipt_sync.errors import QueueSendError, TableReadError
from receipt_sync.keys import Collection, EntityKey
from tests.support.fakes.index import InMemoryIndex
from tests.support.fakes.system import InMemorySystem, line
from tests.support.fakes.target import InMemoryTarget
from tests.unit.compactor.batch.test_drain import InMemoryQueue
from tests.unit.compactor.batch.test_slices import slowly

MOST_DELIVERIES = 5


class KilledError(BaseException):
    """The end of the process. No `except Exception` catches it."""


class BatchQueue:
    """A queue that holds one batch. Deleted messages do not come again."""

    def __init__(self, messages: Sequence[QueueMessage]) -> None:
        self.messages = list(messages)

    def deliver(self) -> list[QueueMessage]:
        self.messages = [replace(m, receives=m.receives + 1) for m in self.messages]
        return self.messages

    def delete(self, messages: Sequence[QueueMessage]) -> int:
        done = {message.message_id for message in messages}
        self.messages = [m for m in self.messages if m.message_id not in done]
        return len(done)


def one(number: int) -> EntityKey:
    """Return the only line of a receipt of its own, so that no message touches another's record."""
    return line(1, receipt_id=number)


@pytest.fixture
def system() -> InMemorySystem:
    system = InMemorySystem()
    keys = [one(number) for number in range(1, 31)]
    for key in keys:
        system.table.put(key, text="old")
    system.handle(system.worker(), system.delta_body(keys))
    for key in keys:
        system.table.put(key, text="new")
    return system


def kills_for(deadly: set[str]) -> Callable[[InMemoryTarget], InMemoryTarget]:
    """Return a wrapper of targets whose index kills the process that updates a deadly record."""

    def wrap(target: InMemoryTarget) -> InMemoryTarget:
        checkout = target.checkout

        def with_death(deadline: Deadline) -> InMemoryIndex:
            index = checkout(deadline)
            update = index.update

            def updating(metadata: Mapping[str, Metadata]) -> None:
                if deadly & set(metadata):
                    raise KilledError
                update(metadata)

            index.update = updating  # type: ignore[method-assign]
            return index

        target.checkout = with_death  # type: ignore[method-assign]
        return target

    return wrap


def left_after_all_deliveries(system: InMemorySystem, count: int, deadly: set[int]) -> set[str]:
    """Return the messages that reach the dead-letter queue, if these receipts are deadly."""
    queue = BatchQueue(
        [
            QueueMessage(f"{n:03d}", system.change_body(one(n), "text"), f"handle-{n}", 0)
            for n in range(1, count + 1)
        ]
    )
    wrap = kills_for({one(number).chroma_id for number in deadly})
    for delivery in range(MOST_DELIVERIES):
        messages = queue.deliver()
        worker = system.worker(f"worker {delivery}", wrap=wrap)
        try:
            report = worker.handle(messages, system.deadline(), queue.delete)
        except KilledError:
            system.clock.advance(61)  # the lease of the killed worker expires
            continue
        queue.delete([m for m in messages if m.message_id not in report.returned])
    return {message.message_id for message in queue.messages}


@pytest.mark.parametrize("position", range(1, 11))
def test_a_deadly_message_is_the_only_dead_letter_of_its_batch(
    system: InMemorySystem, position: int
) -> None:
    assert left_after_all_deliveries(system, 10, {position}) == {f"{position:03d}"}


@pytest.mark.parametrize("second", [2, 3, 6, 9, 10])
@pytest.mark.parametrize("first", [1, 2, 5])
def test_two_deadly_messages_are_the_only_dead_letters_of_their_batch(
    system: InMemorySystem, first: int, second: int
) -> None:
    deadly = {first, second}
    assert left_after_all_deliveries(system, 10, deadly) == {f"{n:03d}" for n in deadly}


def test_a_batch_without_a_deadly_message_is_finished_at_its_first_delivery(
    system: InMemorySystem,
) -> None:
    assert left_after_all_deliveries(system, 30, set()) == set()
    assert system.published[Collection.LINES].version == 2


def test_messages_that_come_for_the_second_time_stay_together() -> None:
    messages = [QueueMessage(str(number), "body", "", 2) for number in range(5)]
    assert divided(messages) == [messages]


def healthy_is_saved(healthy: QueueMessage, deadly: QueueMessage) -> bool:
    """Deliver both together until the healthy one is finished, or was delivered five times."""
    while healthy.receives <= MOST_DELIVERIES:
        together = [m for m in (healthy, deadly) if m.receives <= MOST_DELIVERIES]
        finished: list[QueueMessage] = []
        for part in divided(together):
            if deadly in part:
                break
            finished += part
        if healthy in finished:
            return True
        healthy = replace(healthy, receives=healthy.receives + 1)
        deadly = replace(deadly, receives=deadly.receives + 1)
    return False


@pytest.mark.parametrize("ids", [("a", "b"), ("b", "a")])
@pytest.mark.parametrize("deadly", range(1, MOST_DELIVERIES + 1))
@pytest.mark.parametrize("healthy", range(1, MOST_DELIVERIES + 1))
def test_a_deadly_message_that_joins_at_any_time_takes_no_healthy_one_with_it(
    healthy: int, deadly: int, ids: tuple[str, str]
) -> None:
    if healthy == deadly == MOST_DELIVERIES:
        pytest.skip("both come for the last time, and nothing shows which one is deadly")
    first, second = ids
    assert healthy_is_saved(
        QueueMessage(first, "body", "", healthy), QueueMessage(second, "body", "", deadly)
    )


def test_messages_that_come_for_the_third_time_come_after_the_others_and_one_by_one() -> None:
    messages = [QueueMessage(str(n), "body", "", receives) for n, receives in enumerate([3, 1, 3])]
    first, *others = divided(messages)
    assert [m.message_id for m in first] == ["1"]
    assert [[m.message_id for m in part] for part in others] == [["0"], ["2"]]


def test_messages_with_more_deliveries_come_before_all_others() -> None:
    messages = [QueueMessage(str(n), "body", "", receives) for n, receives in enumerate([1, 4, 4])]
    assert [[m.message_id for m in part] for part in divided(messages)] == [["2"], ["1"], ["0"]]


def test_the_message_at_which_the_fourth_delivery_stopped_lets_others_with_fewer_pass() -> None:
    messages = [
        QueueMessage(str(n), "body", "", receives) for n, receives in enumerate([5, 4, 5, 1, 4])
    ]
    parts = [[m.message_id for m in part] for part in divided(messages)]
    assert parts == [["0"], ["4"], ["1"], ["2"], ["3"]]


def lost(messages: Sequence[QueueMessage], deadly: set[str]) -> set[str]:
    """Return the healthy messages of a batch that are still unfinished after the fifth delivery."""
    left, dead_letters = list(messages), set[str]()
    while left:
        left = [replace(message, receives=message.receives + 1) for message in left]
        for part in divided(left):
            if deadly.intersection(message.message_id for message in part):
                break  # The worker is dead.
            left = [message for message in left if message not in part]
        gone = [message for message in left if message.receives >= MOST_DELIVERIES]
        left = [message for message in left if message not in gone]
        dead_letters |= {message.message_id for message in gone}
    return dead_letters - deadly


@pytest.mark.parametrize("second", range(MOST_DELIVERIES))
@pytest.mark.parametrize("first", range(MOST_DELIVERIES))
@pytest.mark.parametrize("healthy", [0, 1, 2])
def test_two_deadly_messages_that_had_come_before_take_no_healthy_one_with_them(
    healthy: int, first: int, second: int
) -> None:
    """With one of them received once more than the others, healthy messages became dead letters."""
    for one_place, other_place in permutations(range(9), 2):
        receives = {one_place: first, other_place: second}
        messages = [QueueMessage(str(n), "body", "", receives.get(n, healthy)) for n in range(9)]
        assert lost(messages, {str(one_place), str(other_place)}) == set()


@pytest.mark.parametrize("seed", range(20))
def test_healthy_messages_that_came_up_to_twice_before_outlive_two_deadly_ones(seed: int) -> None:
    randomness = Random(seed)
    for _ in range(100):
        count = randomness.randint(3, 12)
        deadly = set(map(str, randomness.sample(range(count), 2)))
        messages = [
            QueueMessage(n, "body", "", randomness.randint(0, 4 if n in deadly else 2))
            for n in map(str, range(count))
        ]
        assert lost(messages, deadly) == set()


@pytest.mark.parametrize("receives", range(1, 9))
@pytest.mark.parametrize("count", range(5))
def test_no_message_is_left_out_or_handled_twice(receives: int, count: int) -> None:
    messages = [QueueMessage(str(number), "body", "", receives) for number in range(count)]
    parts = [message for part in divided(messages) for message in part]
    assert sorted(parts, key=lambda m: m.message_id) == messages


def test_a_message_that_returns_is_not_acknowledged_early(system: InMemorySystem) -> None:
    queue = BatchQueue(
        [QueueMessage(str(n), system.change_body(one(n), "text"), "", 2) for n in (1, 2)]
    )
    system.table.failing = TableReadError("down")
    report = system.worker().handle(queue.deliver(), system.deadline(), queue.delete)
    assert set(report.returned) == {"1", "2"}
    assert len(queue.messages) == 2


def test_a_refused_acknowledgement_stops_nothing_and_is_logged(system: InMemorySystem) -> None:
    messages = [QueueMessage(str(n), system.change_body(one(n), "text"), "", 3) for n in (1, 2, 3)]

    def refuse(_: Sequence[QueueMessage]) -> int:
        raise QueueSendError("the queue does not answer")

    report = system.worker().handle(messages, system.deadline(), refuse)
    assert report.returned == {}
    assert system.differences() == [one(n).chroma_id for n in range(4, 31)]
    assert [name for name, _ in system.telemetry.problems] == [
        "finished messages not acknowledged"
    ] * 2


def test_a_drain_divides_its_batches_too(system: InMemorySystem) -> None:
    queue = InMemoryQueue([])
    queue.waiting = [
        QueueMessage(str(n), system.change_body(one(n), "text"), f"handle-{n}", 3) for n in (1, 2)
    ]
    report = drain(queue, system.worker(), system.deadline(), system.clock)
    assert (report.done, report.returned) == (2, 0)
    assert queue.deleted == ["1", "1", "2"]


def test_messages_that_wait_behind_a_held_lease_return_when_it_has_expired(
    system: InMemorySystem,
) -> None:
    messages = [
        QueueMessage(str(n), system.change_body(one(n), "text"), f"handle-{n}", 3) for n in (1, 2)
    ]
    holder = system.worker("holder")._cycles[Collection.LINES]._lease
    with holder.held(system.deadline()):
        report = system.worker().handle(messages, system.deadline(seconds=30))
    assert "LeaseUnavailableError" in report.returned["1"]
    assert "DeadlineNearError" in report.returned["2"]
    assert report.retry_at["1"] == report.retry_at["2"]


def test_no_message_is_begun_behind_one_for_which_no_time_was_left(system: InMemorySystem) -> None:
    """The fetch alone can kill the worker, and its lease then has to expire (attack 12)."""
    bodies = [system.change_body(one(n), "text") for n in (1, 2)]
    bodies.append(system.delta_body([one(3)]))
    messages = [QueueMessage(str(n), body, "", 3) for n, body in enumerate(bodies)]

    def kill(_: str) -> bytes:
        raise KilledError

    with patch.object(system.deltas, "read", kill):
        worker = system.worker(wrap=slowly(system, seconds=5))
        report = worker.handle(messages, system.deadline(seconds=8))
    assert set(report.returned) == {"1", "2"}
    assert all("DeadlineNearError" in reason for reason in report.returned.values())
