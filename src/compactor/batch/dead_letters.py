"""The compactor's dead-letter queue for parts of messages that can never succeed (I7)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from receipt_sync.deadline import Deadline
from receipt_sync.errors import DeadLettersNotParkedError
from receipt_sync.sqs_text import CALL_LIMIT, MESSAGE_LIMIT

MOST_DEAD_LETTERS: Final = 10
"""Dead letters in one call: the limit of SQS. Four of the largest size reach SQS's limit of bytes
for a call.
"""


@dataclass(frozen=True)
class DeadLetter:
    """The part of one message that is set aside, and the reason."""

    body: str
    reason: str
    message_id: str


class DeadLetterQueue(Protocol):
    """A store for poison: parts of messages that can never succeed."""

    def park(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Store the dead letters of one call.

        Raises DeadLettersNotParkedError with those that were not stored.
        """
        ...


def calls(dead_letters: Sequence[DeadLetter]) -> Iterator[list[DeadLetter]]:
    """Yield the dead letters of each call: ten at most, and no more bytes than SQS takes."""
    call: list[DeadLetter] = []
    size = 0
    for dead_letter in dead_letters:
        more = min(MESSAGE_LIMIT, 4 * len(dead_letter.body) + 8 * 1024)
        if call and (len(call) == MOST_DEAD_LETTERS or size + more > CALL_LIMIT):
            yield call
            call, size = [], 0
        call.append(dead_letter)
        size += more
    if call:
        yield call


def park_all(
    dead_letter_queue: DeadLetterQueue, dead_letters: Sequence[DeadLetter], deadline: Deadline
) -> dict[str, Exception]:
    """Park until the deadline. Return the errors of dead letters not parked, by message id."""
    failed: dict[str, Exception] = {}
    for call in calls(dead_letters):
        try:
            deadline.check("set poison aside")
            dead_letter_queue.park(call)
        except DeadLettersNotParkedError as error:
            failed |= dict.fromkeys(error.message_ids, error)
        except Exception as error:  # noqa: BLE001 passed on: these messages return with it
            failed |= {dead_letter.message_id: error for dead_letter in call}
    return failed
