"""Messages of a queue, which a command holds while it reads them.

The visibility timeout hides a held message from other consumers.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from receipt_ops.errors import OperationError

HOLD_SECONDS: Final = 120


class DeadLettersNotDeletedError(OperationError):
    """SQS did not delete messages that a command has processed."""


@dataclass(frozen=True)
class DeadLetter:
    """A received message. `attributes` are its message attributes, not those of SQS."""

    message_id: str
    body: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    sent: datetime | None = None
    receives: int = 0
    receipt_handle: str = ""

    @property
    def reason(self) -> str | None:
        """Return why the message was set aside; None if it was received too often."""
        return self.attributes.get("reason")


class Size(NamedTuple):
    """Counts the dead letters of a queue. SQS only gives approximate numbers."""

    waiting: int
    held: int
    """The number of dead letters that a consumer has received and neither deleted nor released."""


class DeadLetterQueue(Protocol):
    """A queue of dead letters."""

    def look(self, most: int) -> Iterator[DeadLetter]:
        """Yield up to `most` dead letters, each once, and hold them until `let_go`."""
        ...

    def size(self) -> Size:
        """Return the number of dead letters, the held ones included."""
        ...

    def let_go(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Release held dead letters, so that other consumers can receive them."""
        ...

    def delete(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Delete dead letters. Raises DeadLettersNotDeletedError."""
        ...


@dataclass
class Held:
    """The received dead letters. `held` releases those that are in `dead_letters` at the end."""

    dead_letters: list[DeadLetter]
    unseen: int = 0
    """The approximate number of unread ones: another command holds them, or they are too many."""


@contextmanager
def held(queue: DeadLetterQueue, most: int) -> Iterator[Held]:
    """Give up to `most` dead letters for a `with` block, and release the remaining ones."""
    before = queue.size()
    found = Held([])
    try:
        for dead_letter in queue.look(most):
            found.dead_letters.append(dead_letter)
        found.unseen = max(0, before.waiting + before.held - len(found.dead_letters))
        yield found
    finally:
        queue.let_go(found.dead_letters)
