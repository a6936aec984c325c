"""What local/ministack_server.py mends, each alone."""

import asyncio
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from local.ministack_server import _mend_sender, answering_again, full_batches


def queue_of(number: int, size: int = 2) -> tuple[list[dict[str, Any]], Any]:
    waiting = [{"body": "x" * size, "id": one} for one in range(number)]

    def receive(queue_url: str, most: int) -> list[dict[str, Any]]:
        assert queue_url == "queue"
        taken = waiting[: min(most, 10)]
        del waiting[: len(taken)]
        return taken

    return waiting, receive


@pytest.mark.parametrize(("count", "most", "got"), [(0, 100, 0), (7, 100, 7), (25, 100, 25)])
def test_all_that_waits_comes_at_once(count: int, most: int, got: int):
    _, receive = queue_of(count)
    assert [message["id"] for message in full_batches(receive)("queue", most)] == list(range(got))


def test_a_batch_holds_no_more_than_the_mapping_takes():
    waiting, receive = queue_of(40)
    assert len(full_batches(receive)("queue", 25)) == 25
    assert len(waiting) == 15


def test_a_batch_stays_below_what_an_invocation_may_carry():
    waiting, receive = queue_of(100, size=200_000)
    batch = full_batches(receive)("queue", 100)
    assert 3_000_000 < sum(len(message["body"]) for message in batch) <= 6_000_000
    assert len(batch) + len(waiting) == 100


def answers_of(status: int, calls: list[tuple[bytes, bytes]]) -> list[bytes]:
    """What an application says that counts how often it is asked; each call is id and attempt."""
    asked = count(1)

    async def counting(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status})
        await send({"type": "http.response.body", "body": str(next(asked)).encode()})

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "more_body": False}

    async def ask_all() -> list[bytes]:
        app, said = answering_again(counting, most=2), []

        async def send(message: dict[str, Any]) -> None:
            said.append(message.get("body"))

        for call, attempt in calls:
            names = (b"amz-sdk-invocation-id", b"amz-sdk-request")
            await app({"headers": list(zip(names, (call, attempt), strict=True))}, receive, send)
        return [body for body in said if body]

    return asyncio.run(ask_all())


FIRST, SECOND = b"attempt=1; max=3", b"attempt=2; max=3"


def test_a_call_that_is_repeated_gets_the_answer_of_the_first_time():
    calls = [(b"a", FIRST), (b"a", SECOND), (b"b", SECOND), (b"a", FIRST)]
    assert answers_of(200, calls) == [b"1", b"1", b"2", b"3"]


def test_a_failure_is_not_given_again():
    assert answers_of(503, [(b"a", FIRST), (b"a", SECOND)]) == [b"1", b"2"]


def test_only_the_last_answers_are_kept():
    calls = [(b"a", FIRST), (b"b", FIRST), (b"c", FIRST), (b"a", SECOND), (b"c", SECOND)]
    assert answers_of(200, calls) == [b"1", b"2", b"3", b"4", b"3"]


class Sender(SimpleNamespace):
    """As MiniStack's module of SQS sends: a batch passes on no system attributes."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self._act_send_message = self.send
        self._act_send_message_batch = self.send_batch
        self._HANDLERS = {"SendMessageBatch": self.send_batch}

    def send(self, data: dict[str, Any], queue_url: str) -> dict[str, Any]:
        self.sent.append(data)
        return {}

    def send_batch(self, data: dict[str, Any], queue_url: str) -> dict[str, Any]:
        for entry in data["Entries"]:
            self._act_send_message({"MessageBody": entry["MessageBody"]}, queue_url)
        return {}


def test_each_message_of_a_batch_keeps_its_trace_header():
    sqs = Sender()
    _mend_sender(sqs)
    entries = [
        {"MessageBody": "a", "MessageSystemAttributes": {"AWSTraceHeader": "1"}},
        {"MessageBody": "b"},
        {"MessageBody": "c", "MessageSystemAttributes": {"AWSTraceHeader": "3"}},
    ]
    sqs._HANDLERS["SendMessageBatch"]({"Entries": entries}, "queue")
    kept = [(one["MessageBody"], one["MessageSystemAttributes"]) for one in sqs.sent]
    assert kept == [("a", {"AWSTraceHeader": "1"}), ("b", None), ("c", {"AWSTraceHeader": "3"})]


def test_a_message_that_is_sent_alone_is_left_as_it_is():
    sqs = Sender()
    _mend_sender(sqs)
    sqs._HANDLERS["SendMessageBatch"]({"Entries": [{"MessageBody": "a"}]}, "queue")
    alone = {"MessageBody": "b", "MessageSystemAttributes": {"AWSTraceHeader": "2"}}
    sqs._act_send_message(alone, "queue")
    assert sqs.sent[-1] == alone
