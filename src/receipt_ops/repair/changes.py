"""Change messages for records to recompute or remove, in the form of the stream processor.

A message only says that an entity changed. The compactor reads the entity's present state itself,
so an unneeded message costs time but loses no update.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, Protocol

from receipt_ops.errors import OperationError
from receipt_sync.changes import EventName
from receipt_sync.clock import Clock
from receipt_sync.deadline import Deadline
from receipt_sync.keys import EntityKey
from stream_processor.detection import EntityChange
from stream_processor.packing import MARGIN, OutgoingMessage, pack
from stream_processor.publisher import ChangePublisher

MESSAGE_BYTES: Final = 48 * 1024 + MARGIN
"""The size of some 150 changes. One cycle can apply a batch of 100 messages before its time-out."""
_PATIENCE_SECONDS: Final = 60.0


class ChangesNotSentError(OperationError):
    """The compaction queue did not accept all changes."""


class ChangeSink(Protocol):
    """A queue that takes changes."""

    def send(self, changes: Sequence[EntityChange]) -> int:
        """Send all changes and return the number of messages. Raises ChangesNotSentError."""
        ...


class LastError:
    """Keeps the error of the last failed call of a publisher."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    def note(self, error: Exception) -> None:
        self.error = error


class QueueChanges:
    """ChangeSink on the compaction queue.

    The publisher notes the errors of its calls in `last`. They are the causes of the errors here.
    """

    def __init__(
        self, publisher: ChangePublisher, clock: Clock, last: LastError | None = None
    ) -> None:
        self._publisher, self._clock = publisher, clock
        self._last = last or LastError()

    def send(self, changes: Sequence[EntityChange]) -> int:
        messages = pack(changes, limit=MESSAGE_BYTES)
        unsent = self._send(messages)
        if unsent:
            raise ChangesNotSentError(
                f"the compaction queue refused {len(unsent)} of {len(messages)} messages: run the "
                "command again. The compactor applies a message once, even if it is sent twice"
            ) from self._last.error
        return len(messages)

    def _send(self, messages: Sequence[OutgoingMessage]) -> list[OutgoingMessage]:
        self._last.error = None
        deadline = Deadline(self._clock, _PATIENCE_SECONDS)
        return self._publisher.send(messages, deadline) if messages else []


def recompute(keys: Iterable[EntityKey], now: datetime, why: str) -> list[EntityChange]:
    """Return changes that make the compactor recompute the keys' records from the table.

    `why` takes the place of the stream record's id: "repair", "backfill".
    """
    return [_change(key, "INSERT", now, why) for key in keys]


def remove(keys: Iterable[EntityKey], now: datetime, why: str) -> list[EntityChange]:
    """Return changes that make the compactor delete the keys' records.

    The compactor deletes a record only if the table no longer holds its item.
    """
    return [_change(key, "REMOVE", now, why) for key in keys]


def _change(key: EntityKey, event: EventName, now: datetime, why: str) -> EntityChange:
    return EntityChange(
        key=key,
        event_name=event,
        changes={},
        timestamp=now,
        stream_record_id=why,
        sequence_number="0",
        aws_region="",
        first_sequence=0,
    )
