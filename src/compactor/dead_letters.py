"""The compactor's dead-letter queue for what can never succeed (I7)."""

import re
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef

_REASON_LIMIT: Final = 1_000
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
_NOT_ALLOWED: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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
            MessageBody=_NOT_ALLOWED.sub("\ufffd", body) or " ",
            MessageAttributes={
                "reason": _text(reason[:_REASON_LIMIT]),
                "message_id": _text(message_id),
            },
        )


def _text(value: str) -> "MessageAttributeValueTypeDef":
    return {"DataType": "String", "StringValue": _NOT_ALLOWED.sub("\ufffd", value) or "-"}
