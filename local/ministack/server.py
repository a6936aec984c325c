"""Runs MiniStack with seven corrections: four for event source mappings, three for calls.

batchItemFailures. MiniStack 1.5.33 counts a whole batch as processed when its function returns, and
ignores the response. Records that the function reports as failed would be lost. With this
correction, such a batch fails, and MiniStack retries all of it after a second. A batch that is too
old goes to the failure destination. AWS retries only from the lowest failed sequence number. The
records before it are repetitions here, and a consumer of a stream must accept repetitions.

Filters and absent fields. In MiniStack 1.5.33, no pattern matches below a node that a record lacks.
No filter that AWS accepts would let removals pass.

Batch size of queue mappings. MiniStack 1.5.33 gives a function at most ten messages, whatever the
batch size of the mapping is. The number of cycles would be a hundred times that of AWS.

Batching window of queue mappings. MiniStack 1.5.33 invokes the function as soon as there is a
message. Under load, many small batches would then delay each other. On AWS they do not.

Trace headers. MiniStack 1.5.33 keeps the trace header only of messages that are sent alone. With
this correction, messages that are sent in a batch keep theirs.

Repeated deletions. A standard queue accepts every receipt handle that it issued, although the
message may be deleted already, or received again since. MiniStack 1.5.33 refuses such a handle with
ReceiptHandleIsInvalid. With this correction, it refuses only handles that no queue issued.

Repeated calls. If the server is started for Terraform, a repeated call gets the response of the
first one. Terraform makes about a hundred requests at a time. MiniStack sometimes drops a
connection after it has carried out the request. Terraform's SDK then repeats the call under the
same invocation id. It would find the resource of the first call and stop with an error. Every other
client meets the effect of its own first call, as on AWS.
"""

import importlib
import json
import os
import signal
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Any, Final

TIED_TO: Final = "RECEIPT_SYNC_TIED_TO"
"""Environment variable: the id of the process with which this one ends."""

ANSWERS_AGAIN: Final = "RECEIPT_SYNC_ANSWERS_AGAIN"
"""Environment variable: a part of the User-Agent of some clients.

A repeated call of these clients gets the first response again. If the variable is unset, no client
gets it.
"""

TERRAFORM: Final = "Terraform"
"""A part of the User-Agent of Terraform's AWS provider."""

EDITION: Final = "receipt-chroma-sync"
"""The edition that the health response of this MiniStack names."""

_RECEIVE: Final = 10
"""Messages that MiniStack returns in one receive."""

_PAYLOAD: Final = 6_000_000
"""Bytes of an invocation.
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

_REPEATED: Final = 65_536
"""Bytes of the largest response that is kept for a repeated call."""

_LARGEST: Final = _RECEIVE * 262_144
"""Largest possible number of bytes of one receive."""

_HANDLES: Final = 100_000
"""Receipt handles that are kept for repeated deletions. The oldest are forgotten first."""

_UNKNOWN_HANDLE: Final = "ReceiptHandleIsInvalid"

_After = Callable[[float, Callable[[], None]], None]

Message = dict[str, Any]
Listen = Callable[[], Awaitable[Message]]
Say = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Listen, Say], Awaitable[None]]
Send = Callable[[dict[str, Any], str], dict[str, Any]]
Receive = Callable[[str, int], list[dict[str, Any]]]
Collect = Callable[[dict[str, Any], int, int], list[dict[str, Any]]]
Match = Callable[[dict[str, Any], dict[str, Any]], bool]
Execute = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]


def correct(lambda_service: Any, sqs_service: Any) -> None:
    """Correct MiniStack's modules of Lambda and SQS.

    Raises AttributeError if MiniStack no longer has the replaced functions.
    """
    lambda_service._match_esm_filter = filter_of(lambda_service._match_esm_filter)
    _obey_batch_item_failures(lambda_service)
    sqs_service._receive_messages_for_esm = full_batches(sqs_service._receive_messages_for_esm)
    _keep_trace_headers(sqs_service)
    _accept_repeated_deletions(sqs_service)
    _wait_for_window(lambda_service, Windows(time.time, _after))


def answering_again(app: App, client: str, most: int = 1_000) -> App:
    """Return an ASGI application that repeats its response to a call whose response was lost.

    It does so only for clients whose User-Agent contains `client`. It keeps successful responses of
    at most 64 KiB, of the last `most` calls. How SDKs mark a repeated call:
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
    """
    answers: OrderedDict[bytes, list[Message]] = OrderedDict()

    async def repeating(scope: Message, receive: Listen, send: Say) -> None:
        headers = dict(scope.get("headers", []))
        if client.encode() not in headers.get(b"user-agent", b""):
            await app(scope, receive, send)
            return
        call = headers.get(b"amz-sdk-invocation-id", b"")
        if call in answers and not headers.get(b"amz-sdk-request", b"").startswith(b"attempt=1;"):
            while (await receive()).get("more_body"):
                pass
            for message in answers[call]:
                await send(message)
            return
        sent: list[Message] = []

        async def noting(message: Message) -> None:
            sent.append(message)
            await send(message)

        try:
            await app(scope, receive, noting)
        finally:
            if call and _is_small_success(sent):
                answers[call] = sent
                while len(answers) > most:
                    answers.popitem(last=False)

    return repeating


def _is_small_success(sent: list[Message]) -> bool:
    whole = bool(sent) and not sent[-1].get("more_body") and sent[0].get("status", 500) < 300
    return whole and sum(len(message.get("body", b"")) for message in sent) <= _REPEATED


def _keep_trace_headers(sqs_service: Any) -> None:
    sending = threading.local()
    send: Send = sqs_service._act_send_message
    send_batch: Send = sqs_service._act_send_message_batch

    def send_message(data: dict[str, Any], queue_url: str) -> dict[str, Any]:
        entries = getattr(sending, "entries", None)
        if entries is not None:  # MiniStack's batch calls this once per entry.
            system = next(entries).get("MessageSystemAttributes")
            data = {**data, "MessageSystemAttributes": system}
        return send(data, queue_url)

    def send_message_batch(data: dict[str, Any], queue_url: str) -> dict[str, Any]:
        sending.entries = iter(data.get("Entries", []))
        try:
            return send_batch(data, queue_url)
        finally:
            sending.entries = None

    sqs_service._act_send_message = send_message
    sqs_service._HANDLERS["SendMessageBatch"] = send_message_batch


def _accept_repeated_deletions(sqs_service: Any, most: int = _HANDLES) -> None:
    """Let a standard queue accept every receipt handle that it issued.

    Rule: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html
    """
    issued: OrderedDict[str, None] = OrderedDict()
    collect: Collect = sqs_service._collect_msgs
    delete: Send = sqs_service._act_delete_message
    delete_batch: Send = sqs_service._act_delete_message_batch

    def collect_messages(queue: Message, most_messages: int, visibility: int) -> list[Message]:
        messages = collect(queue, most_messages, visibility)
        if not queue["is_fifo"]:  # A FIFO queue refuses an expired handle on AWS, too.
            issued.update(dict.fromkeys(message["receipt_handle"] for message in messages))
            while len(issued) > most:
                issued.popitem(last=False)
        return messages

    def delete_message(data: dict[str, Any], queue_url: str) -> dict[str, Any]:
        try:
            return delete(data, queue_url)
        except sqs_service._Err as error:
            if error.code == _UNKNOWN_HANDLE and data.get("ReceiptHandle") in issued:
                return {}
            raise

    def delete_message_batch(data: dict[str, Any], queue_url: str) -> dict[str, Any]:
        answer = delete_batch(data, queue_url)
        handles = {entry["Id"]: entry.get("ReceiptHandle") for entry in data["Entries"]}
        accepted = [
            entry
            for entry in answer["Failed"]
            if entry["Code"] == _UNKNOWN_HANDLE and handles[entry["Id"]] in issued
        ]
        return {
            "Successful": [*answer["Successful"], *({"Id": entry["Id"]} for entry in accepted)],
            "Failed": [entry for entry in answer["Failed"] if entry not in accepted],
        }

    sqs_service._collect_msgs = collect_messages
    sqs_service._HANDLERS["DeleteMessage"] = delete_message
    sqs_service._HANDLERS["DeleteMessageBatch"] = delete_message_batch


def full_batches(receive: Receive) -> Receive:
    """Return a function that fills a batch up to the mapping's size or an invocation's payload.

    Rule: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    """

    def receive_batch(queue_url: str, most: int) -> list[dict[str, Any]]:
        batch: list[dict[str, Any]] = []
        size = 0
        while len(batch) < most and size + _LARGEST <= _PAYLOAD:
            some = receive(queue_url, min(_RECEIVE, most - len(batch)))
            batch += some
            size += sum(len(message["body"].encode()) for message in some)
            if len(some) < _RECEIVE:
                break
        return batch

    return receive_batch


class Windows:
    """Holds messages back until the batching window of a mapping ends or its batch is full.

    `after` calls a function after a number of seconds. Times are seconds of the queue's clock.
    Rule: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
    """

    def __init__(self, now: Callable[[], float], after: _After) -> None:
        self._now, self._after = now, after
        self._since: dict[str, float] = {}

    def is_due(self, mapping: Message, queue: Message, wake: Callable[[], None]) -> bool:
        """Return whether to invoke the function now.

        If not, `wake` is called at the end of the window.
        """
        window = mapping.get("MaximumBatchingWindowInSeconds", 0)
        waiting = self._waiting(queue, mapping.get("BatchSize", 10))
        if not window or not waiting:
            self.close(mapping["UUID"])
            return True
        since = self._since.get(mapping["UUID"])
        if since is None:
            since = self._since[mapping["UUID"]] = self._now()
            self._after(window, wake)
        size = sum(len(message["body"].encode()) for message in waiting)
        full = len(waiting) >= mapping.get("BatchSize", 10) or size + _LARGEST > _PAYLOAD
        return full or self._now() >= since + window

    def close(self, uuid: str) -> None:
        """Close the window after a batch was handed over.

        The next message opens the next window.
        """
        self._since.pop(uuid, None)

    def _waiting(self, queue: Message, most: int) -> list[Message]:
        now = self._now()
        visible = (m for m in list(queue["messages"]) if m.get("visible_at", now) <= now)
        return list(islice(visible, most))


def _after(seconds: float, call: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()


def _wait_for_window(lambda_service: Any, windows: Windows) -> None:
    concurrency: Callable[..., int] = lambda_service._sqs_esm_concurrency
    dispatch: Callable[..., None] = lambda_service._dispatch_esm_batch

    def concurrency_once_due(mapping: Message, record: Message, config: Message, queue: Any) -> int:
        """Return 0 while the batch may still fill."""
        if not windows.is_due(mapping, queue, lambda_service._esm_wake.set):
            return 0
        return concurrency(mapping, record, config, queue)

    def dispatch_batch(uuid: str, *arguments: Any) -> None:
        windows.close(uuid)
        dispatch(uuid, *arguments)

    lambda_service._sqs_esm_concurrency = concurrency_once_due
    lambda_service._dispatch_esm_batch = dispatch_batch


def filter_of(match_leaf: Match) -> Match:
    """Return a filter that tests leaves with `match_leaf`, and absent leaves with `exists: false`.

    Rule:
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html#filtering-syntax
    """

    def match(record: dict[str, Any], pattern: dict[str, Any]) -> bool:
        return all(_holds(record.get(name), name, rule) for name, rule in pattern.items())

    def _holds(node: Any, name: str, rule: Any) -> bool:
        if isinstance(rule, dict):
            return match(node if isinstance(node, dict) else {}, rule)
        if node is None or isinstance(node, dict):
            return {"exists": False} in rule
        return match_leaf({name: node}, {name: rule})

    return match


def _obey_batch_item_failures(lambda_service: Any) -> None:
    polling = threading.local()
    execute: Execute = lambda_service._execute_function
    poll: Callable[[], bool] = lambda_service._poll_dynamodb_streams

    def poll_streams() -> bool:
        polling.streams = True
        try:
            return poll()
        finally:
            polling.streams = False

    def execute_function(function: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
        result = execute(function, event)
        if getattr(polling, "streams", False) and reports_failures(result.get("body")):
            return {**result, "error": True}
        return result

    lambda_service._poll_dynamodb_streams = poll_streams
    lambda_service._execute_function = execute_function


def reports_failures(body: Any) -> bool:
    """Return whether a function's response, an object or JSON, names batch item failures."""
    if isinstance(body, str | bytes):
        try:
            body = json.loads(body)
        except ValueError:
            return False
    return isinstance(body, dict) and bool(body.get("batchItemFailures"))


def end_with_parent(parent: int, interval: float = 1.0) -> None:
    """Start a thread that ends the whole process group when the process `parent` ends."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(interval)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True, name="end-with-parent").start()


if __name__ == "__main__":
    if TIED_TO in os.environ:
        end_with_parent(int(os.environ.pop(TIED_TO)))
    os.environ["MINISTACK_EDITION"] = EDITION
    services = "ministack.services"
    correct(
        importlib.import_module(f"{services}.lambda_svc"),
        importlib.import_module(f"{services}.sqs"),
    )
    ministack: Any = importlib.import_module("ministack.app")
    if client := os.environ.pop(ANSWERS_AGAIN, ""):
        ministack.app = answering_again(ministack.app, client)
    ministack.main()
