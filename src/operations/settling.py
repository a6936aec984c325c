"""Waits until what was written has arrived: the queue is empty, and table and snapshot agree."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from operations.verdict import Verdict
from receipt_sync.clock import Clock

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

POLL_SECONDS: Final = 0.5


class Backlog(NamedTuple):
    """Messages of the compaction queue, as SQS counts them (approximately)."""

    waiting: int
    in_flight: int

    def __str__(self) -> str:
        return f"{self.waiting:,} messages wait, {self.in_flight:,} are being handled"

    @property
    def is_empty(self) -> bool:
        return self.waiting == self.in_flight == 0


class Settled(NamedTuple):
    """The last verdict, and whether it was reached with an empty queue and without a fault."""

    verdict: Verdict
    settled: bool


def settle(
    verify: Callable[[], Verdict],
    backlog: Callable[[], Backlog],
    clock: Clock,
    seconds: float,
    tell: Callable[[Backlog, float], None] = lambda *_: None,
) -> Settled:
    """Verify until nothing is wrong and nothing waits, or `seconds` have passed.

    The stream's own backlog can't be asked for, but it shows: what it still holds is a difference.
    `tell` hears, before each look, what is left and how many seconds remain.
    """
    end = clock.monotonic() + seconds
    while True:
        left = backlog()
        tell(left, max(0.0, end - clock.monotonic()))
        late = clock.monotonic() >= end
        if left.is_empty or late:
            verdict = verify()
            if late or verdict.is_equal:
                return Settled(verdict, left.is_empty and verdict.is_equal)
            clock.sleep(min(verdict.seconds, max(0.0, end - clock.monotonic())))
        clock.sleep(POLL_SECONDS)


def queue_backlog(sqs: "SQSClient", queue_url: str) -> Backlog:
    """How much a queue holds. Raises botocore's ClientError."""
    names = ("Messages", "MessagesDelayed", "MessagesNotVisible")
    answer = sqs.get_queue_attributes(
        QueueUrl=queue_url,
        AttributeNames=[f"ApproximateNumberOf{name}" for name in names],  # type: ignore[misc]
    )
    waiting, delayed, in_flight = (
        int(answer["Attributes"][f"ApproximateNumberOf{name}"])  # type: ignore[index]
        for name in names
    )
    return Backlog(waiting + delayed, in_flight)
