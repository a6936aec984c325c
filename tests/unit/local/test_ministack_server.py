"""What local/ministack_server.py mends, each alone."""

from types import SimpleNamespace
from typing import Any

import pytest

from local.ministack_server import _mend_sender, full_batches, repeatable


def queue_of(count: int, size: int = 2) -> tuple[list[dict[str, Any]], Any]:
    waiting = [{"body": "x" * size, "id": number} for number in range(count)]

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


def putting(held: dict[str, dict[str, Any]]) -> Any:
    def put(data: dict[str, Any]) -> str:
        if data["Name"] in held and not data.get("Overwrite"):
            return "exists"
        assert not (data.get("Overwrite") and "Tags" in data), "SSM refuses both at once"
        held[data["Name"]] = data
        return "put"

    return repeatable(put, held)


def test_a_parameter_is_put_again_as_it_is_and_not_as_something_else():
    put = putting({})
    parameter = {"Name": "/a", "Type": "String", "Value": "1", "Overwrite": False, "Tags": []}
    assert put(parameter) == "put"
    assert put(parameter) == "put"
    assert put({**parameter, "Value": "2"}) == "exists"


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
