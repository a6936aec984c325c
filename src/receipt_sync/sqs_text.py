"""What SQS takes as text: which characters, and how many bytes.

Rules: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
and https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
"""

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef

CALL_LIMIT: Final = 1_048_576
"""Bytes of all messages of one SendMessageBatch."""
MESSAGE_LIMIT: Final = 262_144
"""Bytes of one message, attributes included: the MaximumMessageSize of our queues.

SQS would take four times as much, but Terraform's provider 5 can't say so to a queue.
"""
ATTRIBUTE_LIMIT: Final = 1_000
"""Characters that are kept of an attribute: our own rule, so that a reason stays a sentence."""

_NOT_ALLOWED: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def legal(text: str) -> str:
    """The text, each character that SQS refuses (NUL, U+FFFE, a lone surrogate) as U+FFFD."""
    return _NOT_ALLOWED.sub("\ufffd", text)


def attribute(value: str) -> "MessageAttributeValueTypeDef":
    """A message attribute that SQS takes, whatever the value: cut, legal, and never empty."""
    return {"DataType": "String", "StringValue": legal(value[:ATTRIBUTE_LIMIT]) or "-"}
