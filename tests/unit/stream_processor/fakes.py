"""The processor's two neighbours, and the SQS client, in memory."""

from collections.abc import Callable, Sequence
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError

from receipt_sync.deadline import Deadline
from receipt_sync.errors import QueueSendError
from stream_processor.packing import OutgoingMessage

DOWN = EndpointConnectionError(endpoint_url="http://127.0.0.1:1")
NOT_STORED = QueueSendError("the dead-letter queue did not store a record")


def refusal(code: str = "AWS.SimpleQueueService.NonExistentQueue") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "SendMessageBatch")


class InMemoryChangePublisher:
    """Takes what `takes` says yes to."""

    def __init__(self, takes: Callable[[OutgoingMessage], bool] = lambda _: True) -> None:
        self.takes = takes
        self.sent: list[OutgoingMessage] = []

    def send(
        self, messages: Sequence[OutgoingMessage], deadline: Deadline
    ) -> list[OutgoingMessage]:
        self.sent += [message for message in messages if self.takes(message)]
        return [message for message in messages if not self.takes(message)]


class InMemoryParking:
    """Keeps records; fails from the one numbered `fails_from` on."""

    def __init__(self, fails_from: int | None = None, failure: Exception = NOT_STORED) -> None:
        self.fails_from, self.failure = fails_from, failure
        self.parked: list[tuple[Any, str]] = []

    def park(self, record: object, reason: str) -> None:
        if self.fails_from is not None and len(self.parked) >= self.fails_from:
            raise self.failure
        self.parked.append((record, reason))


class FakeSQS:
    """send_message_batch and send_message; `verdict` decides on each entry of each call.

    A verdict is None (taken), "sender" or "service" (whose fault it is that it is refused), or
    "lost" (the answer does not mention the entry). `failures` are raised first, one a call.
    """

    def __init__(
        self,
        verdict: Callable[[dict[str, Any]], str | None] = lambda _: None,
        failures: Sequence[Exception] = (),
    ) -> None:
        self.verdict, self.failures = verdict, list(failures)
        self.calls: list[list[dict[str, Any]]] = []
        self.taken: list[dict[str, Any]] = []
        self.single: list[dict[str, Any]] = []
        self.single_failure: Exception | None = None

    @property
    def bodies(self) -> list[str]:
        return [entry["MessageBody"] for entry in self.taken]

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 boto3's names
        self.calls.append(Entries)
        if self.failures:
            raise self.failures.pop(0)
        verdicts = {entry["Id"]: self.verdict(entry) for entry in Entries}
        self.taken += [entry for entry in Entries if verdicts[entry["Id"]] is None]
        return {
            "Successful": [
                {"Id": number, "MessageId": f"message-{number}"}
                for number, v in verdicts.items()
                if v is None
            ],
            "Failed": [
                {"Id": number, "Code": "Refused", "SenderFault": v == "sender"}
                for number, v in verdicts.items()
                if v in {"sender", "service"}
            ],
        }

    def send_message(self, **message: Any) -> dict[str, Any]:
        if self.single_failure is not None:
            raise self.single_failure
        self.single.append(message)
        return {"MessageId": str(len(self.single))}


def forever(error: Exception) -> list[Exception]:
    """Failures enough for any test."""
    return [error] * 1000
