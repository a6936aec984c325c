"""Performs the requests of botocore, and loses the answers of one call.

Instead of an answer it raises botocore's error for a broken connection. The SDK repeats the call by
its own rules, and the repetition meets the effect of the first request.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

import botocore.endpoint
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from tests.reliability.lost_answers.calls import Call, call_of

_CALL_ID: Final = "amz-sdk-invocation-id"
_NO_PAUSE: Final = SimpleNamespace(sleep=lambda seconds: None)
"""Replaces `time`, so that the SDK repeats a call without a pause."""


class Mode(StrEnum):
    """Whether only the first answer is lost, or the answers of all repetitions too."""

    ONCE = "the first answer"
    ALWAYS = "every answer"


@dataclass(frozen=True)
class Loss:
    """The lost answer: of the call's occurrence `number`, counted from 1."""

    call: Call
    number: int
    mode: Mode


@dataclass
class Record:
    """The recorded calls, and the number of lost answers."""

    calls: list[tuple[Call, int]] = field(default_factory=list)
    """Each call once, with its number among the same calls. The SDK's repetitions do not count."""
    lost: int = 0
    repeated: Counter[Call] = field(default_factory=Counter)


class Injector:
    """Watches all requests of this process while it listens. It may listen several times."""

    def __init__(self, loss: Loss | None = None) -> None:
        self.record = Record()
        self._loss = loss
        self._lock = threading.Lock()
        self._numbers: Counter[Call] = Counter()
        self._known: dict[str, tuple[Call, int]] = {}

    @contextmanager
    def listening(self) -> Iterator[Record]:
        """Record the calls of the block, and lose the answers of the chosen one."""
        send = URLLib3Session.send

        def perform(session: Any, request: Any) -> Any:
            """Send the request. Return its answer, or raise an error if it is lost."""
            is_lost = self._note(request)
            answer = send(session, request)
            if not is_lost:
                return answer
            answer.raw.close()
            raise _error(request, self.record.lost)

        with (
            patch.object(URLLib3Session, "send", perform),
            patch.object(botocore.endpoint, "time", _NO_PAUSE),
        ):
            yield self.record

    def _note(self, request: Any) -> bool:
        """Record the request, and return whether its answer is to be lost."""
        call_id = str(request.headers.get(_CALL_ID))
        with self._lock:
            is_new = call_id not in self._known
            if is_new:
                call = call_of(request)
                self._numbers[call] += 1
                self._known[call_id] = (call, self._numbers[call])
                self.record.calls.append(self._known[call_id])
            call, number = self._known[call_id]
            self.record.repeated[call] += not is_new
            loss = self._loss
            if loss is None or (call, number) != (loss.call, loss.number):
                return False
            if loss.mode is Mode.ONCE and not is_new:
                return False
            self.record.lost += 1
            return True


def _error(request: Any, number: int) -> Exception:
    """Return a read time-out and a closed connection by turns."""
    if number % 2:
        return ReadTimeoutError(endpoint_url=request.url, error="the answer was lost")
    return ConnectionClosedError(endpoint_url=request.url, request=request)
