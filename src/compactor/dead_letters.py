"""The compactor's dead-letter queue for what can never succeed (I7)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from receipt_sync.deadline import Deadline
from receipt_sync.errors import LettersNotParkedError
from receipt_sync.sqs_text import CALL_LIMIT, MESSAGE_LIMIT, attribute, legal

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MOST_LETTERS: Final = 10
"""Letters of one call, as SQS takes them; four of the largest are the bytes that it takes."""


@dataclass(frozen=True)
class DeadLetter:
    """What is set aside of one message, and why."""

    body: str
    reason: str
    message_id: str


class DeadLetters(Protocol):
    """Where poison is set aside."""

    def park(self, letters: Sequence[DeadLetter]) -> None:
        """Keep some letters, of one call. Raises LettersNotParkedError for those not stored."""
        ...


def calls(letters: Sequence[DeadLetter]) -> Iterator[list[DeadLetter]]:
    """Letters by calls: ten at most, and no more bytes than SQS takes."""
    call: list[DeadLetter] = []
    size = 0
    for letter in letters:
        more = min(MESSAGE_LIMIT, 4 * len(letter.body) + 8 * 1024)
        if call and (len(call) == MOST_LETTERS or size + more > CALL_LIMIT):
            yield call
            call, size = [], 0
        call.append(letter)
        size += more
    if call:
        yield call


def park_all(
    dead_letters: DeadLetters, letters: Sequence[DeadLetter], deadline: Deadline
) -> dict[str, Exception]:
    """Park letters until the deadline. Return why not, by message id, of what was not parked."""
    failed: dict[str, Exception] = {}
    for call in calls(letters):
        try:
            deadline.check("set poison aside")
            dead_letters.park(call)
        except LettersNotParkedError as error:
            failed |= dict.fromkeys(error.message_ids, error)
        except Exception as error:  # noqa: BLE001 passed on: these messages go back with it
            failed |= {letter.message_id: error for letter in call}
    return failed


class SQSDeadLetters:
    """DeadLetters in SQS: the body as it came; `reason` and `message_id` as attributes."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client, self._queue_url = client, queue_url

    def park(self, letters: Sequence[DeadLetter]) -> None:
        entries: Any = [_entry(number, letter) for number, letter in enumerate(letters)]
        answer = self._client.send_message_batch(QueueUrl=self._queue_url, Entries=entries)
        # What SQS does not name as taken counts as refused.
        taken = {int(one["Id"]) for one in answer.get("Successful", [])}
        lost = [letter for number, letter in enumerate(letters) if number not in taken]
        if lost:
            codes = {one.get("Code", "unknown") for one in answer.get("Failed", [])}
            raise LettersNotParkedError({letter.message_id for letter in lost}, codes)


def _entry(number: int, letter: DeadLetter) -> dict[str, Any]:
    return {
        "Id": str(number),
        "MessageBody": legal(letter.body) or " ",
        "MessageAttributes": {
            "reason": attribute(letter.reason),
            "message_id": attribute(letter.message_id),
        },
    }
