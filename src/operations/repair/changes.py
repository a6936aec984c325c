"""Sends change messages for records that must be looked at again, as the stream processor would.

They say that an entity changed and nothing more: the compactor reads the present state itself, so
a change that was sent without need costs time and never an update.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, Protocol

from operations.errors import OperationError
from receipt_sync.changes import EventName
from receipt_sync.clock import Clock
from receipt_sync.deadline import Deadline
from receipt_sync.keys import EntityKey
from stream_processor.detection import EntityChange
from stream_processor.packing import MARGIN, OutgoingMessage, pack
from stream_processor.publisher import Outbox

MESSAGE_BYTES: Final = 48 * 1024 + MARGIN
"""Some 150 changes: a batch of a hundred such messages is one cycle of a function's time-out."""
_PATIENCE_SECONDS: Final = 60.0


class ChangesNotSentError(OperationError):
    """The compaction queue did not take all changes."""


class ChangeSink(Protocol):
    """Where changes go."""

    def send(self, changes: Sequence[EntityChange]) -> int:
        """Send all; returns the number of messages. Raises ChangesNotSentError."""
        ...


class QueueChanges:
    """ChangeSink on the compaction queue."""

    def __init__(self, outbox: Outbox, clock: Clock) -> None:
        self._outbox, self._clock = outbox, clock

    def send(self, changes: Sequence[EntityChange]) -> int:
        messages = pack(changes, limit=MESSAGE_BYTES)
        unsent = self._send(messages)
        if unsent:
            raise ChangesNotSentError(
                f"the compaction queue refused {len(unsent)} of {len(messages)} messages: run the "
                "command again, what was sent twice is applied once"
            )
        return len(messages)

    def _send(self, messages: Sequence[OutgoingMessage]) -> list[OutgoingMessage]:
        deadline = Deadline(self._clock, _PATIENCE_SECONDS)
        return self._outbox.send(messages, deadline) if messages else []


def recompute(keys: Iterable[EntityKey], now: datetime, why: str) -> list[EntityChange]:
    """Changes upon which every part of the keys' records is computed anew from the table.

    `why` stands where a stream record has its id: "repair", "backfill".
    """
    return [_change(key, "INSERT", now, why) for key in keys]


def remove(keys: Iterable[EntityKey], now: datetime, why: str) -> list[EntityChange]:
    """Changes upon which the keys' records are deleted, if the table proves that they are gone."""
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
