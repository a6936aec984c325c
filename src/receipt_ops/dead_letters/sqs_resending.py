"""Sends dead letters to a queue of SQS again."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from receipt_ops.dead_letters.queue import DeadLetter
from receipt_ops.dead_letters.redriving import Send

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_OURS: Final = frozenset({"reason", "message_id"})
"""Attributes that say why a dead letter was set aside. They would be wrong after a redrive."""


def to_the_queue(sqs: "SQSClient", url: str) -> Send:
    """Return a function that sends dead letters to a queue again, without their old reason."""

    def send(dead_letters: Sequence[DeadLetter]) -> None:
        for dead_letter in dead_letters:
            attributes: Any = {
                name: {"DataType": "String", "StringValue": value}
                for name, value in dead_letter.attributes.items()
                if name not in _OURS and value
            }
            sqs.send_message(
                QueueUrl=url, MessageBody=dead_letter.body, MessageAttributes=attributes
            )

    return send
