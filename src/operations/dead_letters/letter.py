"""Messages of a queue, held for as long as somebody looks at them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from compactor.index import batches
from operations.errors import OperationError
from operations.settling import queue_backlog
from receipt_sync.clock import Clock, SystemClock

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

HOLD_SECONDS: Final = 120
_A_CALL: Final = 10
_WAIT_SECONDS: Final = 1


class LettersNotDeletedError(OperationError):
    """SQS did not delete messages that were dealt with."""


@dataclass(frozen=True)
class Letter:
    """A message as it was received. `attributes` are its own; the others are SQS's."""

    message_id: str
    body: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    sent: datetime | None = None
    receives: int = 0
    receipt_handle: str = ""

    @property
    def reason(self) -> str | None:
        """Why it was set aside; None for one that was received too often."""
        return self.attributes.get("reason")


class Size(NamedTuple):
    """About how many letters a queue has, as SQS counts them."""

    waiting: int
    held: int
    """Received by somebody, and neither deleted nor let go."""


class LetterBox(Protocol):
    """A queue of letters."""

    def look(self, most: int) -> Iterator[Letter]:
        """Yield up to `most` letters, each once; until they are let go nobody else gets them."""
        ...

    def size(self) -> Size:
        """Return how many letters there are, held ones included."""
        ...

    def let_go(self, letters: Sequence[Letter]) -> None:
        """Make letters visible again that were not deleted."""
        ...

    def delete(self, letters: Sequence[Letter]) -> None:
        """Delete letters. Raises LettersNotDeletedError."""
        ...


class SQSLetterBox:
    """LetterBox on SQS. A look counts as a receive: see `peeking` for a queue that counts them.

    A look ends after half of the hold, so that no letter comes back, and is received again, before
    it is over.
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
            # One that can't be let go comes back by itself once the hold is over.
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
                    f"{len(answer['Failed'])} dead letters were dealt with but not deleted: run "
                    "the command again, what is sent twice is applied once"
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
    """What was received of a queue. What is removed from `letters` is not let go in the end."""

    letters: list[Letter]
    unseen: int = 0
    """About how many more there are: held by another command, or too many for one look."""


@contextmanager
def held(box: LetterBox, most: int) -> Iterator[Held]:
    """Give letters to look at; whatever happens, those that are still there are let go."""
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
