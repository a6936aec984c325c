"""The compactor's dead-letter queue for what can never succeed (I7)."""

from typing import TYPE_CHECKING, Protocol

from receipt_sync.sqs_text import attribute, legal

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class DeadLetters(Protocol):
    """Where poison is set aside."""

    def park(self, body: str, reason: str, message_id: str) -> None:
        """Keep `body` with the reason. Raises if it could not be stored."""
        ...


class SQSDeadLetters:
    """DeadLetters in SQS: the body as it came; `reason` and `message_id` as attributes."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client, self._queue_url = client, queue_url

    def park(self, body: str, reason: str, message_id: str) -> None:
        self._client.send_message(
            QueueUrl=self._queue_url,
            MessageBody=legal(body) or " ",
            MessageAttributes={"reason": attribute(reason), "message_id": attribute(message_id)},
        )
