"""The compaction queue in SQS."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from compactor.batch.entries import QueueMessage
from compactor.batch.queue import RECEIVE_LIMIT
from receipt_sync.errors import QueueSendError
from receipt_sync.sequences import batches

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_WAIT_SECONDS: Final = 2
_EXPIRED_CODES: Final = {"InvalidParameterValue", "ReceiptHandleIsInvalid"}
"""Codes with which SQS refuses an expired receipt handle.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html
"""


RECEIVE_COUNT: Final = "ApproximateReceiveCount"


def receive_count(attributes: Mapping[Any, str]) -> int:
    """Return how often SQS has delivered a message, from the message's system attributes."""
    return int(attributes.get(RECEIVE_COUNT, "1"))


class SQSCompactionQueue:
    """A CompactionQueue on SQS."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client, self._queue_url = client, queue_url

    def receive(self, at_most: int) -> list[QueueMessage]:
        """See `CompactionQueue.receive`."""
        got = self._client.receive_message(
            QueueUrl=self._queue_url,
            MaxNumberOfMessages=at_most,
            WaitTimeSeconds=_WAIT_SECONDS,
            MessageSystemAttributeNames=[RECEIVE_COUNT],
        )
        return [
            QueueMessage(
                m["MessageId"],
                m["Body"],
                m["ReceiptHandle"],
                receive_count(m.get("Attributes", {})),
            )
            for m in got.get("Messages", [])
        ]

    def hide(self, messages: Sequence[QueueMessage], seconds: int) -> int:
        """See `CompactionQueue.hide`."""
        hidden = 0
        for some in batches(messages, RECEIVE_LIMIT):
            hidden += self._hide(some, seconds)
        return hidden

    def _hide(self, messages: Sequence[QueueMessage], seconds: int) -> int:
        try:
            answer = self._client.change_message_visibility_batch(
                QueueUrl=self._queue_url,
                Entries=[
                    {
                        "Id": str(number),
                        "ReceiptHandle": message.receipt_handle,
                        "VisibilityTimeout": seconds,
                    }
                    for number, message in enumerate(messages)
                ],
            )
        except (BotoCoreError, ClientError):
            # The messages stay invisible for the queue's visibility timeout, which is safe.
            return 0
        return len(answer.get("Successful", []))

    def delete(self, messages: Sequence[QueueMessage]) -> int:
        """See `CompactionQueue.delete`. Raises QueueSendError."""
        refused: list[str] = []
        for some in batches(messages, RECEIVE_LIMIT):
            answer = self._client.delete_message_batch(
                QueueUrl=self._queue_url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message.receipt_handle}
                    for number, message in enumerate(some)
                ],
            )
            refused += [entry["Code"] for entry in answer.get("Failed", [])]
        errors = [code for code in refused if code not in _EXPIRED_CODES]
        if errors:
            raise QueueSendError(
                f"{len(errors)} messages were applied but not acknowledged "
                f"({', '.join(sorted(set(errors)))}): SQS delivers them again, and applying them "
                "again changes nothing"
            )
        return len(messages) - len(refused)
