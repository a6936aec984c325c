"""The wait until written changes have arrived and the index equals the table.

The queue only hints when to verify. It is not a condition, because it is never empty while other
processes write.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from receipt_ops.verification.verdict import Verdict
from receipt_sync.clock import Clock

POLL_SECONDS: Final = 0.5
STALLED_SECONDS: Final = 10.0
"""If the backlog does not shrink for this time, it comes from other writers. Verify anyway."""


class Backlog(NamedTuple):
    """Counts the messages of the compaction queue. SQS only gives approximate numbers."""

    waiting: int
    in_flight: int

    def __str__(self) -> str:
        return f"{self.waiting:,} messages wait, {self.in_flight:,} are in flight"

    @property
    def total(self) -> int:
        return self.waiting + self.in_flight

    @property
    def is_empty(self) -> bool:
        return self.waiting == self.in_flight == 0


class Settled(NamedTuple):
    """Holds the last verdict, and whether it has no fault."""

    verdict: Verdict
    settled: bool


def settle(
    verify: Callable[[], Verdict],
    backlog: Callable[[], Backlog],
    clock: Clock,
    seconds: float,
    on_progress: Callable[[Backlog, float], None] = lambda *_: None,
) -> Settled:
    """Verify until there is no fault or `seconds` have passed.

    The first verification waits until the queue is empty or stops shrinking. AWS gives no number
    for the stream's backlog, so a change that is still in the stream appears as a difference. The
    last verification begins before the time is up, or at that moment. So the function takes at most
    `seconds` and the time of one verification.
    `on_progress` receives the backlog and the remaining seconds before each look at the queue.
    """
    end = clock.monotonic() + seconds
    least, stalls_at = None, clock.monotonic() + STALLED_SECONDS
    while True:
        left = backlog()
        on_progress(left, max(0.0, end - clock.monotonic()))
        now = clock.monotonic()
        if least is None or left.total < least:
            least, stalls_at = left.total, now + STALLED_SECONDS
        late = now >= end
        if left.is_empty or late or now >= stalls_at:
            verdict = verify()
            if verdict.is_equal or clock.monotonic() >= end:
                return Settled(verdict, verdict.is_equal)
            _pause(clock, verdict.seconds, end)
        _pause(clock, POLL_SECONDS, end)


def _pause(clock: Clock, seconds: float, end: float) -> None:
    """Sleep for some seconds, but not beyond `end`."""
    clock.sleep(max(0.0, min(seconds, end - clock.monotonic())))
