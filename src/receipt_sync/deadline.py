"""How long an invocation may still take."""

from receipt_sync.clock import Clock
from receipt_sync.errors import DeadlineNearError


class Deadline:
    """A moment on the monotonic clock after which nothing new may be begun."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._end = clock.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left; negative once it has passed."""
        return self._end - self._clock.monotonic()

    def moment(self) -> float:
        """Return seconds on the monotonic clock, to measure the time between two cycles."""
        return self._clock.monotonic()

    def check(self, step: str, seconds: float = 0.0) -> None:
        """Raise DeadlineNearError if `step` would need more than what is left."""
        if self.remaining() < seconds:
            raise DeadlineNearError(f"no time left to {step}: its messages go back to the queue")

    def sleep(self, seconds: float, step: str) -> None:
        """Wait before another try of `step`, or raise DeadlineNearError if that is too long."""
        self.check(step, seconds)
        self._clock.sleep(seconds)
