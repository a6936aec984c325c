"""The compaction queue, as a direct invocation uses it."""

from collections.abc import Sequence
from typing import Final, Protocol

from compactor.batch.entries import QueueMessage

RECEIVE_LIMIT: Final = 10
"""Messages that one `receive` may ask for: the limit of SQS."""


class CompactionQueue(Protocol):
    """The queue for a consumer without an event source mapping."""

    def receive(self, at_most: int) -> list[QueueMessage]:
        """Return messages; wait for one if there is none. An empty list means an empty queue."""
        ...

    def delete(self, messages: Sequence[QueueMessage]) -> int:
        """Acknowledge messages, and return how many were acknowledged.

        A message whose receipt handle has expired is not. The queue delivers it again, and the
        compactor applies it again, which changes nothing. Raises an error if the queue refuses a
        message for another reason. The other messages are acknowledged before that.
        """
        ...

    def hide(self, messages: Sequence[QueueMessage], seconds: int) -> int:
        """Make received messages visible again after `seconds`; return how many will be.

        The others become visible after the queue's visibility timeout, which does no harm.
        """
        ...
