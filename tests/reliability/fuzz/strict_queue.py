"""An SQS client that refuses illegal characters, empty texts and large messages, as SQS does.

Rules: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
"""

import re
from typing import Any, Final, NamedTuple

from botocore.exceptions import ClientError

_MESSAGE: Final = 262_144
"""The largest size of a message with its attributes in our queues, in bytes."""
_CALL: Final = 1_048_576
_LEGAL: Final = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")


class Sent(NamedTuple):
    """A message that the queue accepted."""

    body: str
    attributes: dict[str, str]


class StrictQueue:
    """The two calls with which the stream processor sends."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []

    def send_message(self, **message: Any) -> dict[str, Any]:
        code = _refusal(message)
        if code is not None:
            raise ClientError({"Error": {"Code": code}}, "SendMessage")
        self._take(message)
        return {"MessageId": str(len(self.sent))}

    def send_message_batch(self, **call: Any) -> dict[str, Any]:
        entries = call["Entries"]
        if len(entries) > 10 or sum(map(_size, entries)) > _CALL:
            raise ClientError({"Error": {"Code": "BatchRequestTooLong"}}, "SendMessageBatch")
        answer: dict[str, Any] = {"Successful": [], "Failed": []}
        for entry in entries:
            code = _refusal(entry)
            if code is None:
                self._take(entry)
                answer["Successful"].append({"Id": entry["Id"], "MessageId": entry["Id"]})
            else:
                answer["Failed"].append({"Id": entry["Id"], "Code": code, "SenderFault": True})
        return answer

    def _take(self, message: dict[str, Any]) -> None:
        self.sent.append(Sent(message["MessageBody"], _attributes(message)))


def _refusal(message: dict[str, Any]) -> str | None:
    """Return the code with which SQS refuses a message, or None if SQS accepts it."""
    values = [message["MessageBody"], *_attributes(message).values()]
    if not all(_LEGAL.fullmatch(value) for value in values):
        return "InvalidMessageContents"
    return "MessageTooLong" if _size(message) > _MESSAGE else None


def _attributes(message: dict[str, Any]) -> dict[str, str]:
    given = message.get("MessageAttributes", {})
    return {name: value["StringValue"] for name, value in given.items()}


def _size(message: dict[str, Any]) -> int:
    """Return the size in bytes, with names, types and values of the attributes."""
    parts = [message["MessageBody"]]
    for name, value in _attributes(message).items():
        parts += [name, "String", value]
    return sum(len(part.encode("utf-8", "surrogatepass")) for part in parts)
