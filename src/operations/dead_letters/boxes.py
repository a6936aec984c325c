"""The two dead-letter queues of a deployment, and how each one's letters go back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from operations.connection import Connection
from operations.dead_letters.content import FailureRecord, StreamRecordContent, content_of
from operations.dead_letters.letter import Letter, LetterBox, SQSLetterBox
from operations.dead_letters.redriving import Send
from operations.deployment.discovery import Deployment, Queue
from operations.repair.changes import ChangeSink, recompute
from operations.repair.wiring import changes_of
from receipt_sync.clock import Clock, SystemClock
from receipt_sync.keys import EntityKey

_OURS: Final = frozenset({"reason", "message_id"})
"""Attributes of a letter's first death, which would mislead at its second."""


class Which(StrEnum):
    """Which dead-letter queue."""

    COMPACTION = "compaction"
    STREAM = "stream"


@dataclass(frozen=True)
class Box:
    """A dead-letter queue."""

    which: Which
    queue: Queue
    letters: LetterBox
    send: Send
    refuse: Callable[[Letter], str | None]


def boxes_of(connection: Connection, deployment: Deployment, which: Which | None) -> list[Box]:
    """Both dead-letter queues, or one."""
    wanted = [which] if which else list(Which)
    return [_box(connection, deployment, one) for one in wanted]


def _box(connection: Connection, deployment: Deployment, which: Which) -> Box:
    if which is Which.COMPACTION:
        queue = deployment.compaction_dlq
        box = SQSLetterBox(connection.sqs, queue.url)
        return Box(which, queue, box, to_the_queue(connection), lambda _: None)
    queue = deployment.stream_dlq
    send = as_changes(changes_of(connection), SystemClock())
    return Box(which, queue, SQSLetterBox(connection.sqs, queue.url), send, without_entity)


def as_changes(changes: ChangeSink, clock: Clock) -> Send:
    """Sends parked stream records as changes of their entities."""

    def send(letters: Sequence[Letter]) -> None:
        keys = [key for letter in letters if (key := _key(letter)) is not None]
        changes.send(recompute(keys, clock.now(), "redrive"))

    return send


def without_entity(letter: Letter) -> str | None:
    """Why a letter of the stream can't be redriven; None if it can."""
    content = content_of(letter.body)
    if isinstance(content, StreamRecordContent):
        return content.fault
    if isinstance(content, FailureRecord):
        return "it is a part of the stream: `receipt-sync replay` it"
    return "it is no stream record: see `receipt-sync dlq explain`"


def to_the_queue(connection: Connection) -> Send:
    """Return what sends letters to the compaction queue, without the reason of their death."""
    url = connection.names.compaction_queue_url

    def send(letters: Sequence[Letter]) -> None:
        for letter in letters:
            attributes: Any = {
                name: {"DataType": "String", "StringValue": value}
                for name, value in letter.attributes.items()
                if name not in _OURS and value
            }
            connection.sqs.send_message(
                QueueUrl=url, MessageBody=letter.body, MessageAttributes=attributes
            )

    return send


def _key(letter: Letter) -> EntityKey | None:
    content = content_of(letter.body)
    return content.key if isinstance(content, StreamRecordContent) else None
