"""Counts the AWS calls of this process and their bytes, by botocore's events.

https://docs.aws.amazon.com/boto3/latest/guide/events.html
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import boto3


class Call(NamedTuple):
    """A kind of call by botocore's names, such as ("s3", "GetObject")."""

    service: str
    operation: str


class Traffic:
    """Counts every request that clients of the watched session send. A retry counts again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.calls: Counter[Call] = Counter()
        self.sent: Counter[Call] = Counter()
        self.received: Counter[Call] = Counter()
        self._notes: dict[Call, list[dict[str, Any]]] = {}

    @property
    def moved(self) -> int:
        """The bytes of all bodies, sent and received."""
        with self._lock:
            return self.sent.total() + self.received.total()

    def bytes_of(self, call: Call) -> int:
        """Return the bytes of a kind of call, sent and received."""
        return self.sent[call] + self.received[call]

    def copy(self) -> "Traffic":
        """Return a copy of the present counts."""
        twin = Traffic()
        with self._lock:
            twin.calls, twin.sent = Counter(self.calls), Counter(self.sent)
            twin.received = Counter(self.received)
        return twin

    def watch(self, session: boto3.Session) -> None:
        """Count the requests of all clients that `session` makes from now on."""
        session.events.register("before-send", self._on_send)
        session.events.register("response-received", self._on_response)
        session.events.register("provide-client-params", self._on_params)

    @contextmanager
    def noted(self, service: str, operation: str) -> Iterator[list[dict[str, Any]]]:
        """Yield a list that gets the parameters of every such call in the block."""
        call, params = Call(service, operation), list[dict[str, Any]]()
        self._notes[call] = params
        try:
            yield params
        finally:
            del self._notes[call]

    def _on_send(self, event_name: str, request: Any, **_: Any) -> None:
        call = _call(event_name)
        with self._lock:
            self.calls[call] += 1
            self.sent[call] += int(request.headers.get("Content-Length") or 0)

    def _on_params(self, event_name: str, params: Any, **_: Any) -> None:
        notes = self._notes.get(_call(event_name))
        if notes is not None:
            notes.append(params)

    def _on_response(self, event_name: str, response_dict: Any, **_: Any) -> None:
        call, headers = _call(event_name), (response_dict or {}).get("headers", {})
        if call.operation.startswith("Head"):
            return  # the response has a length, but no body
        with self._lock:
            self.received[call] += int(headers.get("content-length") or 0)


def watched_session() -> Traffic:
    """Make a new default session for boto3.client. Return the count of its traffic."""
    traffic = Traffic()
    boto3.setup_default_session()
    session = boto3.DEFAULT_SESSION
    if session is None:
        raise AssertionError("setup_default_session sets it")
    traffic.watch(session)
    return traffic


def _call(event_name: str) -> Call:
    """Return the call of an event name such as "before-send.s3.GetObject"."""
    _, service, operation = event_name.split(".")
    return Call(service, operation)
