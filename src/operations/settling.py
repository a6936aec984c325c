"""Wait until what was written has arrived: table and index agree.

The queue is a hint of when to look, and not a condition: while others write, it is never empty.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from operations.verdict import Verdict
from receipt_sync.clock import Clock

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

POLL_SECONDS: Final = 0.5
STALLED_SECONDS: Final = 10.0
"""A backlog that has not become smaller for this long is that of other writers: verify anyway."""


class Backlog(NamedTuple):
    """Messages of the compaction queue, as SQS counts them (approximately)."""

    waiting: int
    in_flight: int

    def __str__(self) -> str:
        return f"{self.waiting:,} messages wait, {self.in_flight:,} are being handled"

    @property
    def total(self) -> int:
        return self.waiting + self.in_flight

    @property
    def is_empty(self) -> bool:
        return self.waiting == self.in_flight == 0


class Settled(NamedTuple):
    """The last verdict, and whether it was reached without a fault."""

    verdict: Verdict
    settled: bool


def settle(
    verify: Callable[[], Verdict],
    backlog: Callable[[], Backlog],
    clock: Clock,
    seconds: float,
    tell: Callable[[Backlog, float], None] = lambda *_: None,
) -> Settled:
    """Verify until nothing is wrong, or `seconds` have passed.

    The first look waits until the queue is empty, or stops becoming shorter. The stream's backlog
    has no such number: what it still holds is a difference. `tell` receives, before each look, the
    backlog and the seconds that remain.
    """
    end = clock.monotonic() + seconds
    least, stalls_at = None, clock.monotonic() + STALLED_SECONDS
    while True:
        left = backlog()
        tell(left, max(0.0, end - clock.monotonic()))
        now = clock.monotonic()
        if least is None or left.total < least:
            least, stalls_at = left.total, now + STALLED_SECONDS
        late = now >= end
        if left.is_empty or late or now >= stalls_at:
            verdict = verify()
            if late or verdict.is_equal:
                return Settled(verdict, verdict.is_equal)
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
