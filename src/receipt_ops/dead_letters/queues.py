"""The two dead-letter queues of a deployment, and the way to redrive each.

A dead letter, or letter, is a message of a dead-letter queue.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from receipt_ops.connection import Connection
from receipt_ops.dead_letters.content import FailureRecord, StreamRecordContent, content_of
from receipt_ops.dead_letters.queue import Letter, LetterBox, SQSLetterBox
from receipt_ops.dead_letters.redriving import Send
from receipt_ops.deployment.discovery import Deployment, Queue
from receipt_ops.repair.changes import ChangeSink, recompute
from receipt_ops.repair.wiring import changes_of
from receipt_sync.clock import Clock, SystemClock
from receipt_sync.keys import EntityKey

_OURS: Final = frozenset({"reason", "message_id"})
"""Attributes that say why a letter was set aside. They would be wrong after a redrive."""


class Which(StrEnum):
    """Names the dead-letter queues."""

    COMPACTION = "compaction"
    STREAM = "stream"


@dataclass(frozen=True)
class Box:
    """Holds a dead-letter queue, the way to redrive its letters, and the check before that."""

    which: Which
    queue: Queue
    letters: LetterBox
    send: Send
    refuse: Callable[[Letter], str | None]


def boxes_of(connection: Connection, deployment: Deployment, which: Which | None) -> list[Box]:
    """Return both dead-letter queues, or only the given one."""
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
    """Return a function that sends parked stream records as changes of their entities."""

    def send(letters: Sequence[Letter]) -> None:
        keys = [key for letter in letters if (key := _key(letter)) is not None]
        changes.send(recompute(keys, clock.now(), "redrive"))

    return send


def without_entity(letter: Letter) -> str | None:
    """Return why a letter of the stream's queue cannot be redriven; None if it can."""
    content = content_of(letter.body)
    if isinstance(content, StreamRecordContent):
        return content.fault
    if isinstance(content, FailureRecord):
        return "it names a part of the stream, not a record: run `receipt-sync replay`"
    return "it is not a stream record: `receipt-sync dlq explain` says what to do"


def to_the_queue(connection: Connection) -> Send:
    """Return a function that sends letters to the compaction queue without their old reason."""
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
