"""SQS limits for text: the allowed characters and the sizes in bytes.

Rules: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
and https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
"""

import re
from typing import Any, Final

CALL_LIMIT: Final = 1_048_576
"""Bytes of all messages in one SendMessageBatch."""
MESSAGE_LIMIT: Final = 262_144
"""Bytes of one message with its attributes. It is the MaximumMessageSize of the project's
queues.

SQS allows four times as much, but version 5 of Terraform's AWS provider cannot set a larger value.
"""
ATTRIBUTE_LIMIT: Final = 1_000
"""Characters of an attribute that are kept. The project sets this limit to keep a reason short."""

_NOT_ALLOWED: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def legal(text: str) -> str:
    """Return the text with U+FFFD in place of each character that SQS refuses.

    SQS refuses NUL, U+FFFE and lone surrogates, for example.
    """
    return _NOT_ALLOWED.sub("\ufffd", text)


def attribute(value: str) -> Any:
    """Return a message attribute, as SQS's calls take it, that SQS accepts for any value.

    The value is cut to ATTRIBUTE_LIMIT and made legal. An empty value becomes "-".
    """
    return {"DataType": "String", "StringValue": legal(value[:ATTRIBUTE_LIMIT]) or "-"}
