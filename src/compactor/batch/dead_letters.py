"""The compactor's dead-letter queue for parts of messages that can never succeed (I7)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from receipt_sync.deadline import Deadline
from receipt_sync.errors import LettersNotParkedError
from receipt_sync.sqs_text import CALL_LIMIT, MESSAGE_LIMIT

MOST_LETTERS: Final = 10
"""Dead letters in one call: the limit of SQS. Four letters of the largest size reach SQS's limit of
bytes for a call.
"""


@dataclass(frozen=True)
class DeadLetter:
    """The part of one message that is set aside, and the reason."""

    body: str
    reason: str
    message_id: str


class DeadLetters(Protocol):
    """A store for poison: parts of messages that can never succeed."""

    def park(self, letters: Sequence[DeadLetter]) -> None:
        """Store the letters of one call.

        Raises LettersNotParkedError with the letters that were not stored.
        """
        ...


def calls(letters: Sequence[DeadLetter]) -> Iterator[list[DeadLetter]]:
    """Yield the letters of each call: ten at most, and no more bytes than SQS takes."""
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
    """Park letters until the deadline. Return the errors of letters not parked, by message id."""
    failed: dict[str, Exception] = {}
    for call in calls(letters):
        try:
            deadline.check("set poison aside")
            dead_letters.park(call)
        except LettersNotParkedError as error:
            failed |= dict.fromkeys(error.message_ids, error)
        except Exception as error:  # noqa: BLE001 passed on: these messages return with it
            failed |= {letter.message_id: error for letter in call}
    return failed
