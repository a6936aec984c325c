"""Protocol of the clock, and the system clock. A simulation passes in a clock of its own."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Provides wall-clock time for timestamps, and monotonic time for measured durations."""

    def now(self) -> datetime:
        """Return the current time as an aware datetime in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never decrease.

        Only differences between two values have a meaning.
        """
        ...

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`."""
        ...


class SystemClock:
    """Reads the clock of the machine."""

    def now(self) -> datetime:
        """See Clock.now."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """See Clock.monotonic."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """See Clock.sleep."""
        time.sleep(seconds)


def epoch_ms(moment: datetime) -> int:
    """Return the milliseconds from 1970-01-01T00:00:00Z to an aware datetime."""
    return round(moment.timestamp() * 1000)
