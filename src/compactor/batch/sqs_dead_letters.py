"""The compactor's dead-letter queue in SQS."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from compactor.batch.dead_letters import DeadLetter
from receipt_sync.errors import DeadLettersNotParkedError
from receipt_sync.sqs_text import attribute, legal

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class SQSDeadLetterQueue:
    """DeadLetterQueue in SQS. The body is unchanged; `reason` and `message_id` are attributes."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client, self._queue_url = client, queue_url

    def park(self, dead_letters: Sequence[DeadLetter]) -> None:
        """See `DeadLetterQueue.park`."""
        entries: Any = [
            _entry(number, dead_letter) for number, dead_letter in enumerate(dead_letters)
        ]
        answer = self._client.send_message_batch(QueueUrl=self._queue_url, Entries=entries)
        # A dead letter that SQS does not report as stored counts as refused.
        taken = {int(one["Id"]) for one in answer.get("Successful", [])}
        lost = [
            dead_letter for number, dead_letter in enumerate(dead_letters) if number not in taken
        ]
        if lost:
            codes = {one.get("Code", "unknown") for one in answer.get("Failed", [])}
            raise DeadLettersNotParkedError({dead_letter.message_id for dead_letter in lost}, codes)


def _entry(number: int, dead_letter: DeadLetter) -> dict[str, Any]:
    return {
        "Id": str(number),
        "MessageBody": legal(dead_letter.body) or " ",
        "MessageAttributes": {
            "reason": attribute(dead_letter.reason),
            "message_id": attribute(dead_letter.message_id),
        },
    }
