"""Each correction of local/ministack/server.py by itself."""

import asyncio
import threading
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from local.ministack.server import (
    Windows,
    _accept_repeated_deletions,
    _keep_trace_headers,
    _wait_for_window,
    answering_again,
    full_batches,
)


def queue_of(number: int, size: int = 2) -> tuple[list[dict[str, Any]], Any]:
    waiting = [{"body": "x" * size, "id": one} for one in range(number)]

    def receive(queue_url: str, most: int) -> list[dict[str, Any]]:
        assert queue_url == "queue"
        taken = waiting[: min(most, 10)]
        del waiting[: len(taken)]
        return taken

    return waiting, receive


@pytest.mark.parametrize(("count", "most", "got"), [(0, 100, 0), (7, 100, 7), (25, 100, 25)])
def test_all_that_waits_comes_at_once(count: int, most: int, got: int) -> None:
    _, receive = queue_of(count)
    assert [message["id"] for message in full_batches(receive)("queue", most)] == list(range(got))


def test_a_batch_holds_no_more_than_the_mapping_takes() -> None:
    waiting, receive = queue_of(40)
    assert len(full_batches(receive)("queue", 25)) == 25
    assert len(waiting) == 15


def test_a_batch_stays_below_what_an_invocation_may_carry() -> None:
    waiting, receive = queue_of(100, size=200_000)
    batch = full_batches(receive)("queue", 100)
    assert 3_000_000 < sum(len(message["body"]) for message in batch) <= 6_000_000
    assert len(batch) + len(waiting) == 100


def answers_of(
    status: int, calls: list[tuple[bytes, bytes]], agent: bytes = b"APN/1.0 Terraform/1.9"
) -> list[bytes]:
    """What an application says that counts how often it is asked; each call is id and attempt."""
    asked = count(1)

    async def counting(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status})
        await send({"type": "http.response.body", "body": str(next(asked)).encode()})

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "more_body": False}

    async def ask_all() -> list[bytes]:
        app, said = answering_again(counting, "Terraform", most=2), []

        async def send(message: dict[str, Any]) -> None:
            said.append(message.get("body"))

        for call, attempt in calls:
            names = (b"amz-sdk-invocation-id", b"amz-sdk-request")
            headers = [*zip(names, (call, attempt), strict=True), (b"user-agent", agent)]
            await app({"headers": headers}, receive, send)
        return [body for body in said if body]

    return asyncio.run(ask_all())


FIRST, SECOND = b"attempt=1; max=3", b"attempt=2; max=3"


def test_a_call_that_is_repeated_gets_the_answer_of_the_first_time() -> None:
    calls = [(b"a", FIRST), (b"a", SECOND), (b"b", SECOND), (b"a", FIRST)]
    assert answers_of(200, calls) == [b"1", b"1", b"2", b"3"]


def test_another_client_meets_the_effect_of_its_own_first_call() -> None:
    assert answers_of(200, [(b"a", FIRST), (b"a", SECOND)], agent=b"Boto3/1.40") == [b"1", b"2"]


def test_a_failure_is_not_given_again() -> None:
    assert answers_of(503, [(b"a", FIRST), (b"a", SECOND)]) == [b"1", b"2"]


def test_only_the_last_answers_are_kept() -> None:
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


def test_each_message_of_a_batch_keeps_its_trace_header() -> None:
    sqs = Sender()
    _keep_trace_headers(sqs)
    entries = [
        {"MessageBody": "a", "MessageSystemAttributes": {"AWSTraceHeader": "1"}},
        {"MessageBody": "b"},
        {"MessageBody": "c", "MessageSystemAttributes": {"AWSTraceHeader": "3"}},
    ]
    sqs._HANDLERS["SendMessageBatch"]({"Entries": entries}, "queue")
    kept = [(one["MessageBody"], one["MessageSystemAttributes"]) for one in sqs.sent]
    assert kept == [("a", {"AWSTraceHeader": "1"}), ("b", None), ("c", {"AWSTraceHeader": "3"})]


def test_a_message_that_is_sent_alone_is_left_as_it_is() -> None:
    sqs = Sender()
    _keep_trace_headers(sqs)
    sqs._HANDLERS["SendMessageBatch"]({"Entries": [{"MessageBody": "a"}]}, "queue")
    alone = {"MessageBody": "b", "MessageSystemAttributes": {"AWSTraceHeader": "2"}}
    sqs._act_send_message(alone, "queue")
    assert sqs.sent[-1] == alone


class Mapped:
    """A mapping with a window of a second, its queue, and a clock; woken when its time comes."""

    def __init__(self, window: int = 1, most: int = 100) -> None:
        self.now = 0.0
        self.alarms: list[float] = []
        self.mapping = {"UUID": "m", "MaximumBatchingWindowInSeconds": window, "BatchSize": most}
        self.queue: dict[str, Any] = {"messages": []}
        self.windows = Windows(lambda: self.now, lambda seconds, _: self.alarms.append(seconds))

    def send(self, *bodies: str) -> None:
        self.queue["messages"] += [{"body": body, "visible_at": self.now} for body in bodies]

    def is_due(self, now: float) -> bool:
        self.now = now
        return self.windows.is_due(self.mapping, self.queue, lambda: None)


def test_a_batch_may_fill_until_its_window_is_over() -> None:
    mapped = Mapped()
    mapped.send("a")
    assert [mapped.is_due(now) for now in (0.0, 0.5, 0.99, 1.0)] == [False, False, False, True]
    assert mapped.alarms == [1]


def test_the_next_batch_has_a_window_of_its_own() -> None:
    mapped = Mapped()
    mapped.send("a")
    assert [mapped.is_due(now) for now in (0.0, 1.0)] == [False, True]
    mapped.windows.close("m")
    assert [mapped.is_due(now) for now in (1.5, 2.4, 2.5)] == [False, False, True]
    assert mapped.alarms == [1, 1]


@pytest.mark.parametrize(
    ("bodies", "due"),
    [(["a"] * 9, False), (["a"] * 10, True), (["x" * 3_000_000, "x" * 500_000], True)],
)
def test_a_full_batch_waits_no_longer(bodies: list[str], due: bool) -> None:
    mapped = Mapped(most=10)
    mapped.send(*bodies)
    assert mapped.is_due(0.0) is due


def test_without_a_window_nothing_waits() -> None:
    mapped = Mapped(window=0)
    mapped.send("a")
    assert mapped.is_due(0.0)


def test_what_another_works_on_opens_no_window() -> None:
    mapped = Mapped()
    mapped.queue["messages"] = [{"body": "a", "visible_at": 180.0}]
    assert mapped.is_due(0.0)  # there is nothing to hand over
    assert mapped.alarms == []
    assert not mapped.is_due(180.0)


def test_a_message_that_another_consumer_takes_leaves_no_window_behind() -> None:
    mapped = Mapped()
    mapped.send("a")
    assert not mapped.is_due(0.0)
    mapped.queue["messages"].clear()
    assert mapped.is_due(0.5)
    mapped.send("b")
    assert not mapped.is_due(5.0)


def test_a_mapping_takes_no_batch_while_it_may_fill() -> None:
    service = SimpleNamespace(
        _sqs_esm_concurrency=lambda *_: 2,
        _dispatch_esm_batch=lambda *arguments: dispatched.append(arguments),
        _esm_wake=threading.Event(),
    )
    dispatched: list[Any] = []
    mapped = Mapped()
    mapped.send("a")
    _wait_for_window(service, mapped.windows)

    def ask() -> Any:
        return service._sqs_esm_concurrency(mapped.mapping, {}, {}, mapped.queue)

    assert ask() == 0
    mapped.now = 1.0
    assert ask() == 2
    service._dispatch_esm_batch("m", "rest")
    assert dispatched == [("m", "rest")]
    assert ask() == 0


class RefusedError(Exception):
    """An error of MiniStack's module of SQS."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Deleter(SimpleNamespace):
    """As MiniStack's module of SQS deletes: it refuses a handle that no message has."""

    def __init__(self, is_fifo: bool = False) -> None:
        self.queue: dict[str, Any] = {"is_fifo": is_fifo, "messages": []}
        self._Err = RefusedError
        self._collect_msgs = self.collect
        self._act_delete_message = self.delete
        self._act_delete_message_batch = self.delete_batch
        self._HANDLERS: dict[str, Any] = {}

    def send(self, *handles: str) -> None:
        self.queue["messages"] += [{"receipt_handle": handle} for handle in handles]

    def collect(self, queue: dict[str, Any], most: int, visibility: int) -> list[dict[str, Any]]:
        return list(queue["messages"][:most])

    def delete(self, data: dict[str, Any], queue_url: str) -> dict[str, Any]:
        wanted = {"receipt_handle": data.get("ReceiptHandle")}
        if wanted not in self.queue["messages"]:
            raise RefusedError("ReceiptHandleIsInvalid" if wanted["receipt_handle"] else "Missing")
        self.queue["messages"].remove(wanted)
        return {}

    def delete_batch(self, data: dict[str, Any], queue_url: str) -> dict[str, Any]:
        answer: dict[str, Any] = {"Successful": [], "Failed": []}
        for entry in data["Entries"]:
            try:
                self.delete(entry, queue_url)
                answer["Successful"].append({"Id": entry["Id"]})
            except RefusedError as error:
                answer["Failed"].append({"Id": entry["Id"], "Code": error.code})
        return answer


def deleter(*handles: str, is_fifo: bool = False, most: int = 10) -> Deleter:
    """Return a corrected module whose queue issued the handles."""
    sqs = Deleter(is_fifo)
    sqs.send(*handles)
    _accept_repeated_deletions(sqs, most)
    sqs._collect_msgs(sqs.queue, 10, 30)
    return sqs


def test_a_deletion_may_be_repeated_and_an_unknown_handle_is_refused() -> None:
    sqs = deleter("a")
    delete = sqs._HANDLERS["DeleteMessage"]
    assert delete({"ReceiptHandle": "a"}, "queue") == {}
    assert sqs.queue["messages"] == []
    assert delete({"ReceiptHandle": "a"}, "queue") == {}
    for unknown, code in (("never issued", "ReceiptHandleIsInvalid"), (None, "Missing")):
        with pytest.raises(RefusedError, match=code):
            delete({"ReceiptHandle": unknown}, "queue")


def test_each_entry_of_a_batch_is_accepted_or_refused_by_its_own_handle() -> None:
    sqs = deleter("a", "b")
    delete = sqs._HANDLERS["DeleteMessageBatch"]
    handles = ["a", "b", "a", "never issued", None]
    entries = [{"Id": str(n), "ReceiptHandle": handle} for n, handle in enumerate(handles)]
    assert delete({"Entries": entries}, "queue") == {
        "Successful": [{"Id": "0"}, {"Id": "1"}, {"Id": "2"}],
        "Failed": [{"Id": "3", "Code": "ReceiptHandleIsInvalid"}, {"Id": "4", "Code": "Missing"}],
    }


def test_a_fifo_queue_refuses_a_repeated_deletion() -> None:
    sqs = deleter("a", is_fifo=True)
    sqs._HANDLERS["DeleteMessage"]({"ReceiptHandle": "a"}, "queue")
    with pytest.raises(RefusedError):
        sqs._HANDLERS["DeleteMessage"]({"ReceiptHandle": "a"}, "queue")


def test_only_the_latest_handles_are_kept() -> None:
    sqs = deleter("a", "b", most=1)
    entries = [{"Id": str(n), "ReceiptHandle": handle} for n, handle in enumerate("abab")]
    answer = sqs._HANDLERS["DeleteMessageBatch"]({"Entries": entries}, "queue")
    assert [entry["Id"] for entry in answer["Failed"]] == ["2"]
