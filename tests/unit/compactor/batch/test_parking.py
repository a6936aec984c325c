"""Poison in dead letters: one a message, ten a call, and none after the deadline."""

import json
from collections.abc import Sequence

import pytest

from compactor.batch.dead_letters import DeadLetter, calls
from compactor.batch.entries import Entry, QueueMessage
from compactor.batch.poison import dead_letters_of
from receipt_sync.errors import DeadLettersNotParkedError
from receipt_sync.messages import Poison, batch_body, read_message
from receipt_sync.sqs_text import CALL_LIMIT, MESSAGE_LIMIT
from receipt_sync.telemetry import Metric
from tests.support.fakes.system import InMemorySystem, line


@pytest.fixture
def system() -> InMemorySystem:
    return InMemorySystem()


def junk(items: int) -> str:
    return (
        f'{{"source":"dynamodb_stream_batch","schema":1,"batch_size":{items},'
        f'"items":[{",".join("0" * items)}]}}'
    )


class SlowDeadLetterQueue:
    """Takes a while for each call, and counts them."""

    def __init__(self, system: InMemorySystem, seconds: float) -> None:
        self._system, self._seconds = system, seconds
        self.calls: list[int] = []

    def park(self, dead_letters: Sequence[DeadLetter]) -> None:
        self._system.clock.advance(self._seconds)
        self.calls.append(len(dead_letters))
        self._system.dead_letters.park(dead_letters)


def test_a_message_of_65000_broken_items_is_one_letter(system: InMemorySystem) -> None:
    system.table.put(line(1), text="a")
    report = system.handle(system.worker(), junk(65_000), system.delta_body([line(1)]))
    assert report.returned == {}
    assert report.parked == 65_000
    ((body, reason, message_id),) = system.dead_letters.parked
    assert message_id == "0"
    assert reason.startswith("65000 times: ")
    assert len(read_message(body).poison) == 65_000


def test_the_broken_items_of_a_batch_are_one_letter_that_reads_as_a_batch(
    system: InMemorySystem,
) -> None:
    system.table.put(line(1), text="a")
    good = system.change_body(line(1), "text")
    report = system.handle(system.worker(), batch_body([good, '{"a":1}', good, '{"b":2}']))
    assert report.returned == {}
    ((body, _, _),) = system.dead_letters.parked
    assert json.loads(body)["items"] == [{"a": 1}, {"b": 2}]
    assert len(read_message(body).poison) == 2


def test_letters_that_would_be_too_large_for_sqs_are_cut_into_few() -> None:
    poison = [Poison(f'"{"x" * 1000}"', "no object")] * 600
    entry = Entry(QueueMessage("1", "the message"), poison=poison)
    dead_letters = dead_letters_of(entry)
    assert len(dead_letters) == 3
    assert all(len(dead_letter.body) < MESSAGE_LIMIT for dead_letter in dead_letters)
    assert sum(len(json.loads(dead_letter.body)["items"]) for dead_letter in dead_letters) == 600


def test_a_letter_names_each_reason_once_and_the_most_frequent_first() -> None:
    poison = [Poison("{}", "rare"), *[Poison("{}", "frequent")] * 3]
    (dead_letter,) = dead_letters_of(Entry(QueueMessage("1", "the message"), poison=poison))
    assert dead_letter.reason == "3 times: frequent; rare"


def test_ten_letters_are_one_call(system: InMemorySystem) -> None:
    slow = SlowDeadLetterQueue(system, 0)
    worker = system.worker()
    worker._dead_letter_queue = slow
    assert system.handle(worker, *["junk"] * 25).parked == 25
    assert slow.calls == [10, 10, 5]


def test_calls_stay_below_the_bytes_that_sqs_takes() -> None:
    dead_letters = [DeadLetter("x" * (MESSAGE_LIMIT - 8192), "why", str(n)) for n in range(9)]
    made = list(calls(dead_letters))
    assert [dead_letter for call in made for dead_letter in call] == dead_letters
    assert max(sum(len(one.body) for one in call) for call in made) <= CALL_LIMIT


def test_what_can_not_be_parked_before_the_deadline_returns(system: InMemorySystem) -> None:
    slow = SlowDeadLetterQueue(system, 20)
    worker = system.worker()
    worker._dead_letter_queue = slow
    deadline = system.deadline(50)
    messages = [QueueMessage(str(number), "junk") for number in range(60)]
    report = worker.handle(messages, deadline)
    assert deadline.remaining() > -20
    assert slow.calls == [10, 10, 10]
    assert len(report.returned) == 30
    assert {m for _, _, m in system.dead_letters.parked}.isdisjoint(report.returned)


def test_only_the_messages_of_letters_that_were_refused_return(system: InMemorySystem) -> None:
    class Refusing:
        def park(self, dead_letters: Sequence[DeadLetter]) -> None:
            system.dead_letters.park([one for one in dead_letters if one.message_id != "1"])
            raise DeadLettersNotParkedError({"1"}, {"InternalError"})

    worker = system.worker()
    worker._dead_letter_queue = Refusing()
    report = system.handle(worker, "junk", "junk", "junk")
    assert list(report.returned) == ["1"]
    assert report.parked == 2


def test_a_deltas_rows_that_chroma_refuses_are_one_letter_with_their_ids(
    system: InMemorySystem,
) -> None:
    keys = [line(number) for number in range(1, 9)]
    for key in keys:
        system.table.put(key, text="a")
    system.index().poisonous |= {line(2).chroma_id, line(5).chroma_id}
    report = system.handle(system.worker(), system.delta_body(keys))
    assert report.returned == {}
    ((_, reason, _),) = system.dead_letters.parked
    assert line(2).chroma_id in reason
    assert line(5).chroma_id in reason
    assert len(system.index().records) == 6


@pytest.mark.parametrize("letter", ["x", "é", "€", "😀"])
def test_a_call_has_no_more_bytes_than_sqs_takes_in_any_alphabet(letter: str) -> None:
    size = (MESSAGE_LIMIT - 8192) // len(letter.encode())
    dead_letters = [DeadLetter(letter * size, "why" * 300, str(n)) for n in range(12)]
    made = list(calls(dead_letters))
    assert [dead_letter for call in made for dead_letter in call] == dead_letters
    assert all(sum(len(one.body.encode()) + 6_000 for one in call) <= CALL_LIMIT for call in made)


def test_small_dead_letters_go_ten_a_call() -> None:
    dead_letters = [DeadLetter("x" * 100, "why", str(n)) for n in range(25)]
    assert [len(call) for call in calls(dead_letters)] == [10, 10, 5]


def test_what_is_parked_is_counted_and_nothing_is_counted_otherwise(
    system: InMemorySystem,
) -> None:
    system.handle(system.worker(), "junk", "more junk")
    assert [v for name, v in system.telemetry.values if name is Metric.RECORDS_PARKED] == [2]
    system.telemetry.values.clear()
    system.handle(system.worker(), system.change_body(line(1), "text"))
    assert Metric.RECORDS_PARKED not in [name for name, _ in system.telemetry.values]
