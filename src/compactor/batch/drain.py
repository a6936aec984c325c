"""A direct invocation, which empties the queue and reports the result."""

from dataclasses import dataclass, field
from typing import Final

from compactor.batch.compaction import BatchReport, Compactor
from compactor.batch.entries import QueueMessage
from compactor.batch.queue import RECEIVE_LIMIT, CompactionQueue
from compactor.batch.returning import return_in_time
from receipt_sync.clock import Clock
from receipt_sync.deadline import Deadline

_MESSAGES_A_BATCH: Final = 100
_SECONDS_A_BATCH: Final = 10.0
"""Seconds that a batch needs. With less time left, no other batch begins."""
_EXPIRED: Final = "the receipt handle expired before the message was acknowledged"


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

    def add(self, report: BatchReport, returning: int) -> None:
        """Add the figures of another batch.

        `returning` is the number of messages that were applied but not acknowledged.
        """
        returned = len(report.returned) + returning
        self.batches += 1
        self.received += report.received
        self.returned += returned
        self.done += report.received - returned
        self.parked += report.parked
        expired = {_EXPIRED} if returning else set()
        self.reasons = sorted({*self.reasons, *report.returned.values(), *expired})
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
        batch = compactor.handle(messages, deadline, queue.delete)
        return_in_time(queue, messages, batch.retry_at, clock.now())
        applied = [m for m in messages if m.message_id not in batch.returned]
        acknowledged = queue.delete(applied)
        report.add(batch, returning=len(applied) - acknowledged)
        if not acknowledged:
            report.stopped = "a whole batch went back to the queue"
    return report


def _gather(queue: CompactionQueue) -> list[QueueMessage]:
    messages: dict[str, QueueMessage] = {}
    while len(messages) < _MESSAGES_A_BATCH:
        some = queue.receive(min(RECEIVE_LIMIT, _MESSAGES_A_BATCH - len(messages)))
        if not some:
            break
        messages |= {message.message_id: message for message in some}
    return list(messages.values())
