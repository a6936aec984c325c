"""Sends messages to the compaction queue; what SQS refuses is tried again, then reported (I2)."""

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING, Any, Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from receipt_sync.backoff import pauses
from receipt_sync.deadline import Deadline
from receipt_sync.errors import DeadlineNearError
from receipt_sync.telemetry import Telemetry
from stream_processor.packing import OutgoingMessage, calls

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_TRIES: Final = 5


class Outbox(Protocol):
    """Where change messages go."""

    def send(
        self, messages: Sequence[OutgoingMessage], deadline: Deadline
    ) -> list[OutgoingMessage]:
        """Send all; returns those that could not be sent."""
        ...


class SQSOutbox:
    """Outbox on SQS: ten messages a call, refused ones again with back-off inside the deadline."""

    def __init__(
        self, client: "SQSClient", queue_url: str, randomness: Random, telemetry: Telemetry
    ) -> None:
        self._client, self._queue_url = client, queue_url
        self._randomness, self._telemetry = randomness, telemetry

    def send(
        self, messages: Sequence[OutgoingMessage], deadline: Deadline
    ) -> list[OutgoingMessage]:
        hopeless: list[OutgoingMessage] = []
        waiting, pausing = list(messages), pauses(self._randomness)
        for attempt in range(1, _TRIES + 1):
            waiting, refused = self._send_once(waiting)
            hopeless += refused
            if not waiting or attempt == _TRIES:
                break
            try:
                deadline.sleep(next(pausing), "send again")
            except DeadlineNearError:
                break
        return [*hopeless, *waiting]

    def _send_once(
        self, messages: Sequence[OutgoingMessage]
    ) -> tuple[list[OutgoingMessage], list[OutgoingMessage]]:
        """What may be sent at another try, and what SQS will never take."""
        again: list[OutgoingMessage] = []
        hopeless: list[OutgoingMessage] = []
        for call in calls(messages):
            try:
                failed = self._call(call)
            except (ClientError, BotoCoreError) as error:
                self._telemetry.problem("queue refused a call", error=type(error).__name__)
                again += call
                continue
            for number, senders_fault in failed.items():
                (hopeless if senders_fault else again).append(call[number])
        return again, hopeless

    def _call(self, call: Sequence[OutgoingMessage]) -> dict[int, bool]:
        entries: Any = [_entry(number, message) for number, message in enumerate(call)]
        answer = self._client.send_message_batch(QueueUrl=self._queue_url, Entries=entries)
        return {int(entry["Id"]): entry["SenderFault"] for entry in answer.get("Failed", [])}


def _entry(number: int, message: OutgoingMessage) -> dict[str, Any]:
    return {
        "Id": str(number),
        "MessageBody": message.body,
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value}
            for name, value in (
                ("source", message.source),
                ("entity_type", message.entity_type),
                ("timestamp", message.timestamp),
            )
        },
    }
