"""A direct invocation, which empties the queue and reports the result."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from compactor.batch.compaction import BatchReport, Compactor
from compactor.batch.entries import QueueMessage
from compactor.batch.returning import return_in_time
from receipt_sync.clock import Clock
from receipt_sync.deadline import Deadline
from receipt_sync.errors import QueueSendError
from receipt_sync.sequences import batches

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_MESSAGES_A_BATCH: Final = 100
_RECEIVE_LIMIT: Final = 10
_WAIT_SECONDS: Final = 2
_SECONDS_A_BATCH: Final = 10.0
"""Seconds that a batch needs. With less time left, no other batch begins."""


class CompactionQueue(Protocol):
    """The queue for a consumer without an event source mapping."""

    def receive(self, at_most: int) -> list[QueueMessage]:
        """Return messages; wait for one if there is none. An empty list means an empty queue."""
        ...

    def delete(self, messages: Sequence[QueueMessage]) -> None:
        """Acknowledge messages. Raises an error if one could not be acknowledged."""
        ...

    def hide(self, messages: Sequence[QueueMessage], seconds: int) -> int:
        """Make received messages visible again after `seconds`; return how many will be.

        The others become visible after the queue's visibility timeout, which does no harm.
        """
        ...


@dataclass
class DrainReport:
    """The result of a drain. `stopped` gives the reason why it ended."""

    batches: int = 0
    received: int = 0
    done: int = 0
    returned: int = 0
    parked: int = 0
    updated: int = 0
    inserted: int = 0
    replaced: int = 0
    deleted: int = 0
    dropped_vectors: int = 0
    versions: dict[str, int] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    stopped: str = ""

    def add(self, report: BatchReport) -> None:
        """Add the figures of another batch."""
        self.batches += 1
        self.received += report.received
        self.returned += len(report.returned)
        self.done += report.received - len(report.returned)
        self.parked += report.parked
        self.reasons = sorted({*self.reasons, *report.returned.values()})
        for cycle in report.cycles:
            self.updated += cycle.updated
            self.inserted += cycle.inserted
            self.replaced += cycle.replaced
            self.deleted += cycle.deleted
            self.dropped_vectors += cycle.dropped_vectors
            self.versions[cycle.collection.value] = cycle.version


def drain(
    queue: CompactionQueue, compactor: Compactor, deadline: Deadline, clock: Clock
) -> DrainReport:
    """Compact until the queue is empty, the deadline is near, or a whole batch has returned."""
    report = DrainReport()
    while not report.stopped:
        if deadline.remaining() < _SECONDS_A_BATCH:
            report.stopped = "deadline near"
            break
        messages = _gather(queue)
        if not messages:
            report.stopped = "queue empty"
            break
        batch = compactor.handle(messages, deadline)
        return_in_time(queue, messages, batch.retry_at, clock.now())
        queue.delete([m for m in messages if m.message_id not in batch.returned])
        report.add(batch)
        if len(batch.returned) == len(messages):
            report.stopped = "a whole batch went back to the queue"
    return report


def _gather(queue: CompactionQueue) -> list[QueueMessage]:
    messages: dict[str, QueueMessage] = {}
    while len(messages) < _MESSAGES_A_BATCH:
        some = queue.receive(min(_RECEIVE_LIMIT, _MESSAGES_A_BATCH - len(messages)))
        if not some:
            break
        messages |= {message.message_id: message for message in some}
    return list(messages.values())


class SQSCompactionQueue:
    """A CompactionQueue on SQS."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client, self._queue_url = client, queue_url

    def receive(self, at_most: int) -> list[QueueMessage]:
        """See `CompactionQueue.receive`."""
        got = self._client.receive_message(
            QueueUrl=self._queue_url,
            MaxNumberOfMessages=at_most,
            WaitTimeSeconds=_WAIT_SECONDS,
        )
        return [
            QueueMessage(m["MessageId"], m["Body"], m["ReceiptHandle"])
            for m in got.get("Messages", [])
        ]

    def hide(self, messages: Sequence[QueueMessage], seconds: int) -> int:
        """See `CompactionQueue.hide`."""
        hidden = 0
        for some in batches(messages, _RECEIVE_LIMIT):
            hidden += self._hide(some, seconds)
        return hidden

    def _hide(self, messages: Sequence[QueueMessage], seconds: int) -> int:
        try:
            answer = self._client.change_message_visibility_batch(
                QueueUrl=self._queue_url,
                Entries=[
                    {
                        "Id": str(number),
                        "ReceiptHandle": message.receipt_handle,
                        "VisibilityTimeout": seconds,
                    }
                    for number, message in enumerate(messages)
                ],
            )
        except (BotoCoreError, ClientError):
            # The messages stay invisible for the queue's visibility timeout, which is safe.
            return 0
        return len(answer.get("Successful", []))

    def delete(self, messages: Sequence[QueueMessage]) -> None:
        """See `CompactionQueue.delete`. Raises QueueSendError."""
        for start in range(0, len(messages), _RECEIVE_LIMIT):
            some = messages[start : start + _RECEIVE_LIMIT]
            answer = self._client.delete_message_batch(
                QueueUrl=self._queue_url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message.receipt_handle}
                    for number, message in enumerate(some)
                ],
            )
            if answer.get("Failed"):
                raise QueueSendError(
                    f"{len(answer['Failed'])} messages were applied but not acknowledged: they "
                    "will come again, which changes nothing"
                )
