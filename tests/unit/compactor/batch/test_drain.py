from collections.abc import Sequence

import pytest

from compactor.batch.drain import drain
from compactor.batch.entries import QueueMessage
from receipt_sync.errors import QueueSendError, TableReadError
from tests.support.fakes.system import InMemorySystem, line


class InMemoryQueue:
    def __init__(self, bodies: Sequence[str]) -> None:
        self.waiting = [QueueMessage(str(n), body, f"handle-{n}") for n, body in enumerate(bodies)]
        self.deleted: list[str] = []
        self.hidden: dict[str, int] = {}
        self.failing = False

    def receive(self, at_most: int) -> list[QueueMessage]:
        some, self.waiting = self.waiting[:at_most], self.waiting[at_most:]
        return some

    def hide(self, messages: Sequence[QueueMessage], seconds: int) -> int:
        self.hidden |= {message.message_id: seconds for message in messages}
        return len(messages)

    def delete(self, messages: Sequence[QueueMessage]) -> None:
        if self.failing:
            raise QueueSendError("not acknowledged")
        self.deleted += [message.message_id for message in messages]


@pytest.fixture
def system() -> InMemorySystem:
    system = InMemorySystem()
    for number in range(1, 251):
        system.table.put(line(number), text="a")
    return system


def test_an_empty_queue_is_said_to_be_empty(system: InMemorySystem):
    report = drain(InMemoryQueue([]), system.worker(), system.deadline(), system.clock)
    assert (report.stopped, report.received, report.batches) == ("queue empty", 0, 0)


def test_a_drain_goes_on_until_the_queue_is_empty_and_says_what_it_did(system: InMemorySystem):
    bodies = [system.delta_body([line(number)]) for number in range(1, 251)]
    queue = InMemoryQueue([*bodies, "junk"])
    report = drain(queue, system.worker(), system.deadline(), system.clock)
    assert (report.received, report.done, report.inserted, report.parked) == (251, 251, 250, 1)
    assert report.batches == 3
    assert report.stopped == "queue empty"
    assert report.versions["receipt_lines"] == 3
    assert len(queue.deleted) == 251


def test_a_drain_begins_no_batch_that_it_can_not_finish(system: InMemorySystem):
    queue = InMemoryQueue([system.delta_body([line(1)])])
    report = drain(queue, system.worker(), system.deadline(seconds=5), system.clock)
    assert report.stopped == "deadline near"
    assert len(queue.waiting) == 1


def test_a_message_is_deleted_only_after_its_effect_is_published(system: InMemorySystem):
    queue = InMemoryQueue([system.delta_body([line(1)])])
    queue.failing = True
    with pytest.raises(QueueSendError):
        drain(queue, system.worker(), system.deadline(), system.clock)
    assert line(1).chroma_id in system.index().records
    assert queue.deleted == []


def test_a_batch_that_goes_back_whole_ends_the_drain_with_its_reason(system: InMemorySystem):
    system.table.failing = TableReadError("the table is down")
    queue = InMemoryQueue([system.change_body(line(1), "text")])
    report = drain(queue, system.worker(), system.deadline(), system.clock)
    assert report.stopped == "a whole batch went back to the queue"
    assert report.reasons == ["TableReadError: the table is down"]
    assert queue.deleted == []
