"""A dead-letter queue in SQS."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from receipt_ops.dead_letters.queue import (
    HOLD_SECONDS,
    DeadLetter,
    DeadLettersNotDeletedError,
    Size,
)
from receipt_ops.verification.sqs_backlog import queue_backlog
from receipt_sync.clock import Clock, SystemClock
from receipt_sync.sequences import batches

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_A_CALL: Final = 10
_WAIT_SECONDS: Final = 1


class SQSDeadLetterQueue:
    """DeadLetterQueue on SQS. Each look counts as a receive; see `peeking` for queues with a limit.

    A look ends after half of the visibility timeout. So no dead letter becomes visible again, and
    is received twice, during a look.
    """

    def __init__(
        self,
        client: "SQSClient",
        url: str,
        hold_seconds: int = HOLD_SECONDS,
        clock: Clock | None = None,
    ) -> None:
        self._client, self._url, self._hold = client, url, hold_seconds
        self._clock = clock or SystemClock()

    def look(self, most: int) -> Iterator[DeadLetter]:
        seen: set[str] = set()
        end = self._clock.monotonic() + self._hold / 2
        while len(seen) < most and self._clock.monotonic() < end:
            some = self._receive(min(_A_CALL, most - len(seen)))
            new = [dead_letter for dead_letter in some if dead_letter.message_id not in seen]
            if not new:
                return
            seen |= {dead_letter.message_id for dead_letter in new}
            yield from new

    def size(self) -> Size:
        backlog = queue_backlog(self._client, self._url)
        return Size(backlog.waiting, backlog.in_flight)

    def let_go(self, dead_letters: Sequence[DeadLetter]) -> None:
        for some in batches(dead_letters, _A_CALL):
            entries = [{**entry, "VisibilityTimeout": 0} for entry in _entries(some)]
            # A dead letter that SQS does not release here becomes visible after its timeout.
            self._client.change_message_visibility_batch(
                QueueUrl=self._url,
                Entries=entries,  # type: ignore[arg-type]
            )

    def delete(self, dead_letters: Sequence[DeadLetter]) -> None:
        for some in batches(dead_letters, _A_CALL):
            answer = self._client.delete_message_batch(
                QueueUrl=self._url,
                Entries=_entries(some),  # type: ignore[arg-type]
            )
            if answer.get("Failed"):
                raise DeadLettersNotDeletedError(
                    f"SQS did not delete {len(answer['Failed'])} dead letters that the command has "
                    "processed: run the command again. The compactor applies a message once, even "
                    "if it is sent twice"
                )

    def _receive(self, most: int) -> list[DeadLetter]:
        answer: Any = self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=most,
            WaitTimeSeconds=_WAIT_SECONDS,
            VisibilityTimeout=self._hold,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        return [_dead_letter(message) for message in answer.get("Messages", [])]


def _dead_letter(message: Mapping[str, Any]) -> DeadLetter:
    system = message.get("Attributes", {})
    sent = system.get("SentTimestamp")
    return DeadLetter(
        message_id=message["MessageId"],
        body=message["Body"],
        attributes={
            name: value.get("StringValue", "")
            for name, value in message.get("MessageAttributes", {}).items()
        },
        sent=datetime.fromtimestamp(int(sent) / 1000, UTC) if sent else None,
        receives=int(system.get("ApproximateReceiveCount", 0)),
        receipt_handle=message["ReceiptHandle"],
    )


def _entries(dead_letters: Sequence[DeadLetter]) -> list[dict[str, Any]]:
    return [
        {"Id": str(number), "ReceiptHandle": dead_letter.receipt_handle}
        for number, dead_letter in enumerate(dead_letters)
    ]
