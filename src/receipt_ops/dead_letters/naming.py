"""The names that the logs use for a dead letter. No log names the dead letter's own message id."""

from collections.abc import Iterable

from receipt_ops.dead_letters.content import FailureRecord, StreamRecordContent, content_of
from receipt_ops.dead_letters.queue import DeadLetter, held
from receipt_ops.dead_letters.queues import RedriveSource
from receipt_ops.dead_letters.redriving import MOST
from receipt_sync.correlation import receipt_name
from receipt_sync.messages import ReadMessage


def names_in_logs(sources: Iterable[RedriveSource], message_id: str) -> list[str]:
    """Return the names that the logs use for a dead letter; none if no queue holds it."""
    for source in sources:
        with held(source.dead_letters, MOST) as found:
            for dead_letter in found.dead_letters:
                if dead_letter.message_id == message_id:
                    return _names_of(dead_letter)
    return []


def _names_of(dead_letter: DeadLetter) -> list[str]:
    was = dead_letter.attributes.get("message_id")
    content = content_of(dead_letter.body)
    names = [was] if was else []
    if isinstance(content, FailureRecord):
        names += [content.start, content.end]
    elif isinstance(content, StreamRecordContent):
        names += [str(content.sequence)] if content.sequence is not None else []
        names += [receipt_name(content.key.receipt)] if content.key else []
    elif isinstance(content, ReadMessage):
        names += [content.delta.delta_id] if content.delta else []
        names += sorted({receipt_name(change.key.receipt) for change in content.changes})
    return names
