"""Messages of a queue, which a command holds while it reads them.

The visibility timeout hides a held message from other consumers.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from receipt_ops.errors import OperationError
from receipt_ops.verification.settling import queue_backlog
from receipt_sync.clock import Clock, SystemClock
from receipt_sync.sequences import batches

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

HOLD_SECONDS: Final = 120
_A_CALL: Final = 10
_WAIT_SECONDS: Final = 1


class LettersNotDeletedError(OperationError):
    """SQS did not delete messages that a command has processed."""


@dataclass(frozen=True)
class Letter:
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
    """Counts the letters of a queue. SQS only gives approximate numbers."""

    waiting: int
    held: int
    """The number of letters that a consumer has received and neither deleted nor released."""


class LetterBox(Protocol):
    """A queue of letters."""

    def look(self, most: int) -> Iterator[Letter]:
        """Yield up to `most` letters, each once, and hold them until `let_go` releases them."""
        ...

    def size(self) -> Size:
        """Return the number of letters, the held ones included."""
        ...

    def let_go(self, letters: Sequence[Letter]) -> None:
        """Release held letters, so that other consumers can receive them."""
        ...

    def delete(self, letters: Sequence[Letter]) -> None:
        """Delete letters. Raises LettersNotDeletedError."""
        ...


class SQSLetterBox:
    """LetterBox on SQS. Each look counts as a receive; see `peeking` for queues with a limit.

    A look ends after half of the visibility timeout. So no letter becomes visible again, and is
    received twice, during a look.
    """

    def __init__(
        self,
        client: "SQSClient",
        url: str,
        hold_seconds: int = HOLD_SECONDS,
        clock: Clock | None = None,
    ) -> None:
        self._client, self._url, self._hold = client, url, hold_seconds
        self._clock = clock or SystemClock()

    def look(self, most: int) -> Iterator[Letter]:
        seen: set[str] = set()
        end = self._clock.monotonic() + self._hold / 2
        while len(seen) < most and self._clock.monotonic() < end:
            some = self._receive(min(_A_CALL, most - len(seen)))
            new = [letter for letter in some if letter.message_id not in seen]
            if not new:
                return
            seen |= {letter.message_id for letter in new}
            yield from new

    def size(self) -> Size:
        backlog = queue_backlog(self._client, self._url)
        return Size(backlog.waiting, backlog.in_flight)

    def let_go(self, letters: Sequence[Letter]) -> None:
        for some in batches(letters, _A_CALL):
            entries = [{**entry, "VisibilityTimeout": 0} for entry in _entries(some)]
            # A letter that SQS does not release here becomes visible after its timeout.
            self._client.change_message_visibility_batch(
                QueueUrl=self._url,
                Entries=entries,  # type: ignore[arg-type]
            )

    def delete(self, letters: Sequence[Letter]) -> None:
        for some in batches(letters, _A_CALL):
            answer = self._client.delete_message_batch(
                QueueUrl=self._url,
                Entries=_entries(some),  # type: ignore[arg-type]
            )
            if answer.get("Failed"):
                raise LettersNotDeletedError(
                    f"SQS did not delete {len(answer['Failed'])} dead letters that the command has "
                    "processed: run the command again. The compactor applies a message once, even "
                    "if it is sent twice"
                )

    def _receive(self, most: int) -> list[Letter]:
        answer: Any = self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=most,
            WaitTimeSeconds=_WAIT_SECONDS,
            VisibilityTimeout=self._hold,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        return [_letter(message) for message in answer.get("Messages", [])]


@dataclass
class Held:
    """The received letters of a queue. `held` releases those that are in `letters` at the end."""

    letters: list[Letter]
    unseen: int = 0
    """The approximate number of other letters: another command holds them, or they are too many."""


@contextmanager
def held(box: LetterBox, most: int) -> Iterator[Held]:
    """Give up to `most` letters for a `with` block, and release the remaining ones in any case."""
    before = box.size()
    found = Held([])
    try:
        for letter in box.look(most):
            found.letters.append(letter)
        found.unseen = max(0, before.waiting + before.held - len(found.letters))
        yield found
    finally:
        box.let_go(found.letters)


def _letter(message: Mapping[str, Any]) -> Letter:
    system = message.get("Attributes", {})
    sent = system.get("SentTimestamp")
    return Letter(
        message_id=message["MessageId"],
        body=message["Body"],
        attributes={
            name: value.get("StringValue", "")
            for name, value in message.get("MessageAttributes", {}).items()
        },
        sent=datetime.fromtimestamp(int(sent) / 1000, UTC) if sent else None,
        receives=int(system.get("ApproximateReceiveCount", 0)),
        receipt_handle=message["ReceiptHandle"],
    )


def _entries(letters: Sequence[Letter]) -> list[dict[str, Any]]:
    return [
        {"Id": str(number), "ReceiptHandle": letter.receipt_handle}
        for number, letter in enumerate(letters)
    ]
