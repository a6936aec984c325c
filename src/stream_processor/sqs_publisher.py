"""Sends messages to the compaction queue in SQS.

It retries refused messages, and reports the rest (I2).
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from receipt_sync.correlation import log_ids
from receipt_sync.deadline import Deadline
from receipt_sync.errors import DeadlineNearError
from receipt_sync.retries.backoff import pauses
from receipt_sync.telemetry import Telemetry
from stream_processor.packing import OutgoingMessage, calls

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_TRIES: Final = 5


class SQSChangePublisher:
    """Sends messages to SQS, ten in a call.

    It retries failed ones with back-off inside the deadline. It passes the error of each call that
    failed to `on_error`.
    """

    def __init__(
        self,
        client: "SQSClient",
        queue_url: str,
        randomness: Random,
        telemetry: Telemetry,
        on_error: Callable[[Exception], None] = lambda _: None,
    ) -> None:
        self._client, self._queue_url = client, queue_url
        self._randomness, self._telemetry = randomness, telemetry
        self._on_error = on_error

    def send(
        self, messages: Sequence[OutgoingMessage], deadline: Deadline
    ) -> list[OutgoingMessage]:
        """See ChangePublisher.send."""
        hopeless: list[OutgoingMessage] = []
        waiting, pausing = list(messages), pauses(self._randomness)
        for attempt in range(1, _TRIES + 1):
            waiting, refused = self._send_once(waiting, deadline)
            hopeless += refused
            if not waiting or attempt == _TRIES:
                break
            try:
                deadline.sleep(next(pausing), "send again")
            except DeadlineNearError:
                break
        return [*hopeless, *waiting]

    def _send_once(
        self, messages: Sequence[OutgoingMessage], deadline: Deadline
    ) -> tuple[list[OutgoingMessage], list[OutgoingMessage]]:
        """Return the messages that may be sent again, and those that SQS will never accept."""
        again: list[OutgoingMessage] = []
        hopeless: list[OutgoingMessage] = []
        for call in calls(messages):
            try:
                deadline.check("send")
                taken, refused = self._call(call)
            except (ClientError, BotoCoreError, DeadlineNearError) as error:
                self._telemetry.problem("call not made or refused", error=reason_of(error))
                self._on_error(error)
                again += call
                continue
            for number, message in enumerate(call):
                if number in refused:
                    hopeless.append(message)
                elif number not in taken:
                    again.append(message)
        return again, hopeless

    def _call(self, call: Sequence[OutgoingMessage]) -> tuple[set[int], set[int]]:
        """Send one call, and return the positions of the messages that SQS accepted and refused.

        A refused message is one for which SQS reports a fault of the sender.
        """
        trace = self._telemetry.trace_header()
        entries: Any = [_entry(number, message, trace) for number, message in enumerate(call)]
        answer = self._client.send_message_batch(QueueUrl=self._queue_url, Entries=entries)
        failed = answer.get("Failed", [])
        if failed:
            codes = sorted({entry["Code"] for entry in failed})
            self._telemetry.problem("queue refused messages", codes=codes, messages=len(failed))
        sent = answer.get("Successful", [])
        log_ids(self._telemetry, "messages queued", queued=(entry["MessageId"] for entry in sent))
        taken = {int(entry["Id"]) for entry in sent}
        return taken, {int(entry["Id"]) for entry in failed if entry["SenderFault"]}


def reason_of(error: Exception) -> str:
    """Return the error code of the service, or the name of the exception's type.

    The text of the exception may quote a message.
    """
    if isinstance(error, ClientError):
        return error.response.get("Error", {}).get("Code", "ClientError")
    return type(error).__name__


def _entry(number: int, message: OutgoingMessage, trace: str | None) -> dict[str, Any]:
    system = {"AWSTraceHeader": {"DataType": "String", "StringValue": trace}} if trace else {}
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
        **({"MessageSystemAttributes": system} if system else {}),
    }
