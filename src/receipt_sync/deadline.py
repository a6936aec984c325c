"""The time that an invocation has left."""

from receipt_sync.clock import Clock
from receipt_sync.errors import DeadlineNearError


class Deadline:
    """A time on the monotonic clock after which no new step may begin."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._end = clock.monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds that are left. The value is negative after the deadline."""
        return self._end - self._clock.monotonic()

    def moment(self) -> float:
        """Return the seconds of the monotonic clock, to measure the time between two cycles."""
        return self._clock.monotonic()

    def check(self, step: str, seconds: float = 0.0) -> None:
        """Raise DeadlineNearError if `step` needs more than the remaining time."""
        if self.remaining() < seconds:
            raise DeadlineNearError(f"no time left to {step}: its messages go back to the queue")

    def sleep(self, seconds: float, step: str) -> None:
        """Wait before another try of `step`. Raises DeadlineNearError if the wait is too long."""
        self.check(step, seconds)
        self._clock.sleep(seconds)
