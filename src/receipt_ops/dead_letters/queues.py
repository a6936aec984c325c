"""The two dead-letter queues of a deployment, and the way to redrive each.

A dead letter is a message of a dead-letter queue.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from receipt_ops.dead_letters.content import FailureRecord, StreamRecordContent, content_of
from receipt_ops.dead_letters.queue import DeadLetter, DeadLetterQueue
from receipt_ops.dead_letters.redriving import Send
from receipt_ops.deployment.parts import Queue
from receipt_ops.repair.changes import ChangeSink, recompute
from receipt_sync.clock import Clock
from receipt_sync.keys import EntityKey


class Which(StrEnum):
    """Names the dead-letter queues."""

    COMPACTION = "compaction"
    STREAM = "stream"


@dataclass(frozen=True)
class RedriveSource:
    """Holds a dead-letter queue, the way to redrive its dead letters, and the check before that."""

    which: Which
    queue: Queue
    dead_letters: DeadLetterQueue
    send: Send
    refuse: Callable[[DeadLetter], str | None]


def as_changes(changes: ChangeSink, clock: Clock) -> Send:
    """Return a function that sends parked stream records as changes of their entities."""

    def send(dead_letters: Sequence[DeadLetter]) -> None:
        keys = [key for dead_letter in dead_letters if (key := _key(dead_letter)) is not None]
        changes.send(recompute(keys, clock.now(), "redrive"))

    return send


def without_entity(dead_letter: DeadLetter) -> str | None:
    """Return why a dead letter of the stream's queue cannot be redriven; None if it can."""
    content = content_of(dead_letter.body)
    if isinstance(content, StreamRecordContent):
        return content.fault
    if isinstance(content, FailureRecord):
        return "it names a part of the stream, not a record: run `receipt-sync replay`"
    return "it is not a stream record: `receipt-sync dlq explain` says what to do"


def _key(dead_letter: DeadLetter) -> EntityKey | None:
    content = content_of(dead_letter.body)
    return content.key if isinstance(content, StreamRecordContent) else None
