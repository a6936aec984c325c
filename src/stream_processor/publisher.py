"""The way of change messages to the compactor."""

from collections.abc import Sequence
from typing import Protocol

from receipt_sync.deadline import Deadline
from stream_processor.packing import OutgoingMessage


class ChangePublisher(Protocol):
    """Sends change messages."""

    def send(
        self, messages: Sequence[OutgoingMessage], deadline: Deadline
    ) -> list[OutgoingMessage]:
        """Send all messages, and return those that were not sent."""
        ...
