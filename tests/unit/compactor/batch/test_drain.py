from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from compactor.batch.drain import drain
from compactor.batch.entries import QueueMessage
from compactor.batch.sqs_queue import SQSCompactionQueue
from receipt_sync.errors import QueueSendError, TableReadError
from tests.support.fakes.system import InMemorySystem, line


class InMemoryQueue:
    def __init__(self, bodies: Sequence[str]) -> None:
        self.waiting = [QueueMessage(str(n), body, f"handle-{n}") for n, body in enumerate(bodies)]
        self.deleted: list[str] = []
        self.hidden: dict[str, int] = {}
        self.failing = False
        self.expired: set[str] = set()

    def receive(self, at_most: int) -> list[QueueMessage]:
        some, self.waiting = self.waiting[:at_most], self.waiting[at_most:]
        return some

    def hide(self, messages: Sequence[QueueMessage], seconds: int) -> int:
        self.hidden |= {message.message_id: seconds for message in messages}
        return len(messages)

    def delete(self, messages: Sequence[QueueMessage]) -> int:
        if self.failing:
            raise QueueSendError("not acknowledged")
        kept = [m.message_id for m in messages if m.receipt_handle not in self.expired]
        self.deleted += kept
        return len(kept)


@pytest.fixture
def system() -> InMemorySystem:
    system = InMemorySystem()
    for number in range(1, 251):
        system.table.put(line(number), text="a")
    return system


def test_an_empty_queue_is_said_to_be_empty(system: InMemorySystem) -> None:
    report = drain(InMemoryQueue([]), system.worker(), system.deadline(), system.clock)
    assert (report.stopped, report.received, report.batches) == ("queue empty", 0, 0)


def test_a_drain_goes_on_until_the_queue_is_empty_and_says_what_it_did(
    system: InMemorySystem,
) -> None:
    bodies = [system.delta_body([line(number)]) for number in range(1, 251)]
    queue = InMemoryQueue([*bodies, "junk"])
    report = drain(queue, system.worker(), system.deadline(), system.clock)
    assert (report.received, report.done, report.inserted, report.parked) == (251, 251, 250, 1)
    assert report.batches == 3
    assert report.stopped == "queue empty"
    assert report.versions["receipt_lines"] == 3
    assert len(queue.deleted) == 251


def test_a_drain_begins_no_batch_that_it_can_not_finish(system: InMemorySystem) -> None:
    queue = InMemoryQueue([system.delta_body([line(1)])])
    report = drain(queue, system.worker(), system.deadline(seconds=5), system.clock)
    assert report.stopped == "deadline near"
    assert len(queue.waiting) == 1


def test_a_message_is_deleted_only_after_its_effect_is_published(system: InMemorySystem) -> None:
    queue = InMemoryQueue([system.delta_body([line(1)])])
    queue.failing = True
    with pytest.raises(QueueSendError):
        drain(queue, system.worker(), system.deadline(), system.clock)
    assert line(1).chroma_id in system.index().records
    assert queue.deleted == []


def test_a_batch_that_goes_back_whole_ends_the_drain_with_its_reason(
    system: InMemorySystem,
) -> None:
    system.table.failing = TableReadError("the table is down")
    queue = InMemoryQueue([system.change_body(line(1), "text")])
    report = drain(queue, system.worker(), system.deadline(), system.clock)
    assert report.stopped == "a whole batch went back to the queue"
    assert report.reasons == ["TableReadError: the table is down"]
    assert queue.deleted == []


EXPIRED = "the receipt handle expired before the message was acknowledged"


def test_a_message_whose_receipt_handle_expired_counts_as_returned(system: InMemorySystem) -> None:
    queue = InMemoryQueue([system.delta_body([line(number)]) for number in (1, 2)])
    queue.expired = {"handle-0"}
    report = drain(queue, system.worker(), system.deadline(), system.clock)
    assert (report.received, report.done, report.returned) == (2, 1, 1)
    assert report.reasons == [EXPIRED]
    assert report.stopped == "queue empty"
    assert {line(1).chroma_id, line(2).chroma_id} <= set(system.index().records)


def test_a_drain_ends_if_no_message_of_a_batch_could_be_acknowledged(
    system: InMemorySystem,
) -> None:
    queue = InMemoryQueue([system.delta_body([line(1)])])
    queue.expired = {"handle-0"}
    report = drain(queue, system.worker(), system.deadline(), system.clock)
    assert (report.done, report.returned) == (0, 1)
    assert report.stopped == "a whole batch went back to the queue"


class RefusingSQS:
    """Refuses to delete some receipt handles, each with a code."""

    def __init__(self, codes: Mapping[str, str]) -> None:
        self.codes = codes
        self.deleted: list[str] = []

    def delete_message_batch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> Any:  # noqa: N803
        handles = {entry["Id"]: entry["ReceiptHandle"] for entry in Entries}
        failed = [
            {"Id": entry, "Code": self.codes[handle], "SenderFault": True}
            for entry, handle in handles.items()
            if handle in self.codes
        ]
        self.deleted += [handle for handle in handles.values() if handle not in self.codes]
        return {"Successful": [], "Failed": failed}


RECEIVED = [QueueMessage(str(n), "body", f"handle-{n}") for n in range(25)]


@pytest.mark.parametrize("code", ["ReceiptHandleIsInvalid", "InvalidParameterValue"])
def test_an_expired_receipt_handle_is_refused_alone_and_without_an_error(code: str) -> None:
    sqs = RefusingSQS({"handle-3": code, "handle-14": code})
    queue = SQSCompactionQueue(sqs, "queue")  # type: ignore[arg-type]
    assert queue.delete(RECEIVED) == 23
    assert len(sqs.deleted) == 23


def test_another_refusal_is_an_error_after_all_others_were_acknowledged() -> None:
    sqs = RefusingSQS({"handle-3": "InternalError", "handle-4": "ReceiptHandleIsInvalid"})
    queue = SQSCompactionQueue(sqs, "queue")  # type: ignore[arg-type]
    with pytest.raises(QueueSendError, match=r"1 messages were applied .*InternalError"):
        queue.delete(RECEIVED)
    assert len(sqs.deleted) == 23
