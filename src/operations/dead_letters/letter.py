"""Messages of a queue, held for as long as somebody looks at them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from compactor.index import batches
from operations.errors import OperationError

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


class LetterBox(Protocol):
    """A queue of letters."""

    def look(self, most: int) -> list[Letter]:
        """Up to `most` letters; nobody else receives them until they are let go."""
        ...

    def let_go(self, letters: Sequence[Letter]) -> None:
        """Make letters visible again that were not deleted."""
        ...

    def delete(self, letters: Sequence[Letter]) -> None:
        """Delete letters. Raises LettersNotDeletedError."""
        ...


class SQSLetterBox:
    """LetterBox on SQS. A look counts as a receive, so it is not for a queue that counts them."""

    def __init__(self, client: "SQSClient", url: str, hold_seconds: int = HOLD_SECONDS) -> None:
        self._client, self._url, self._hold = client, url, hold_seconds

    def look(self, most: int) -> list[Letter]:
        found: dict[str, Letter] = {}
        while len(found) < most:
            some = self._receive(min(_A_CALL, most - len(found)))
            found |= {letter.message_id: letter for letter in some}
            if not some:
                break
        return list(found.values())

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


@contextmanager
def held(box: LetterBox, most: int) -> Iterator[list[Letter]]:
    """Letters to look at; whatever happens, those that are still there are let go."""
    letters = box.look(most)
    left = list(letters)
    try:
        yield left
    finally:
        box.let_go(left)


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
