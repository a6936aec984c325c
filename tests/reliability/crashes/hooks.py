"""Stops a worker at one chosen moment, so that the campaign can strike it.

The worker runs the real code. The hooks are events of boto3's session and calls of Chroma's
collection.
"""

import functools
import io
import threading
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import boto3

from receipt_index.chroma import CollectionIndex
from receipt_index.snapshot.copies import rebuilding, working_copy
from receipt_index.snapshot.copies.working_copy import WorkingCopy
from tests.reliability.crashes.moments import OF_A_REBUILD, Moment

Announce = Callable[[], None]
"""Reports that the moment has come. Returns when the worker may continue, if it ever may."""

_OBJECTS: Final = ("/packs/", "/blocks/")
_MARK: Final = (WorkingCopy, "mark_dirty")
_CALLS: Final[dict[Moment, tuple[tuple[Any, str], ...]]] = {
    Moment.REBUILDING: ((rebuilding, "compare"),),
    Moment.REBUILT: ((working_copy, "replace_files"),),
    Moment.REPLACED: ((working_copy, "replace_files"),),
    Moment.WRITING: (_MARK,),
    Moment.PERSIST: (_MARK,),
    Moment.WRITTEN: tuple(
        (CollectionIndex, call) for call in ("update", "insert", "replace_vectors", "delete")
    ),
}
_EVENTS: Final = {
    Moment.LEASED: ("dynamodb.PutItem",),
    Moment.READING: ("dynamodb.BatchGetItem", "dynamodb.Query"),
    Moment.UPLOADING: ("s3.PutObject",),
    Moment.HALF_UPLOADED: ("s3.PutObject",),
    Moment.UPLOADED: ("s3.PutObject",),
    Moment.SWAPPING: ("s3.PutObject",),
    Moment.HALF_SWAPPED: ("s3.PutObject",),
    Moment.SWAPPED: ("s3.PutObject",),
    Moment.ACKNOWLEDGING: ("sqs.DeleteMessageBatch",),
}
_AFTER: Final = (
    Moment.WRITTEN, Moment.REPLACED, Moment.LEASED, Moment.UPLOADED, Moment.SWAPPED
)  # fmt: skip
_HALF: Final = (Moment.HALF_UPLOADED, Moment.HALF_SWAPPED)


class Once:
    """Announces one occurrence, after `skipped` others."""

    def __init__(self, announce: Announce, skipped: int) -> None:
        self._announce, self._left = announce, skipped

    def __call__(self) -> None:
        self._left -= 1
        if self._left == -1:
            self._announce()


class HalfSent(io.BytesIO):
    """A request body whose second half is sent only after the announcement."""

    def __init__(self, data: bytes, reached: Announce) -> None:
        super().__init__(data)
        self._half, self._reached = len(data) // 2, reached

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() < self._half:
            return super().read(self._half - self.tell())
        if self.tell() == self._half:
            self._reached()
        return super().read(size)


def install(moment: Moment, reached: Announce) -> None:
    """Call `reached` whenever a worker that is built from now on reaches `moment`."""
    if moment in OF_A_REBUILD:
        vars(rebuilding)["is_due"] = lambda *_: True
    for owner, call in _CALLS.get(moment, ()):
        _wrap(owner, call, reached, after=moment in _AFTER)
    boto3.setup_default_session()
    assert boto3.DEFAULT_SESSION is not None
    events = boto3.DEFAULT_SESSION.events
    for event in _EVENTS.get(moment, ()):
        _register(events, moment, event, reached)


def _is_object(url: str) -> bool:
    return any(part in urlsplit(url).path for part in _OBJECTS)


def _is_manifest(url: str) -> bool:
    return urlsplit(url).path.endswith("/manifest.json")


_CONCERNS: Final = {
    Moment.UPLOADING: _is_object,
    Moment.HALF_UPLOADED: _is_object,
    Moment.UPLOADED: _is_object,
    Moment.SWAPPING: _is_manifest,
    Moment.HALF_SWAPPED: _is_manifest,
    Moment.SWAPPED: _is_manifest,
}
"""The uploads that each moment concerns, by their URL."""


def _register(events: Any, moment: Moment, event: str, reached: Announce) -> None:
    """Call `reached` before the request of an event, in its middle, or after its response."""
    sent = threading.local()  # boto3 does not name the request of a response

    def before(request: Any, **_: Any) -> None:
        sent.it = _CONCERNS.get(moment, lambda _: True)(request.url)
        if sent.it and moment in _HALF:
            request.body = HalfSent(_bytes(request.body), reached)
        elif sent.it and moment not in _AFTER:
            reached()

    def after(exception: Exception | None = None, **_: Any) -> None:
        if exception is None and sent.it:
            reached()

    events.register(f"before-send.{event}", before)
    if moment in _AFTER:
        events.register(f"response-received.{event}", after)


def _bytes(body: Any) -> bytes:
    content: bytes = body if isinstance(body, bytes) else body.getvalue()
    return content


def _wrap(owner: Any, name: str, reached: Announce, *, after: bool) -> None:
    original = getattr(owner, name)

    @functools.wraps(original)
    def wrapped(*arguments: Any) -> Any:
        if not after:
            reached()
        result = original(*arguments)
        if after:
            reached()
        return result

    setattr(owner, name, wrapped)
