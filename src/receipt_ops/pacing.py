"""The times at which the changes of a load are due. A slow write does not lower the rate.

All users of a load share one sequence of due times. An action of many changes, such as a new
receipt, then delays the next action of every user a little. With a sequence for each user, it would
delay the user who drew it by minutes.
"""

from collections.abc import Callable
from random import Random

Interval = Callable[[], float]
"""Returns the seconds between a change and the next one."""


def steadily(rate: float) -> Interval:
    """Return a constant interval for a rate in changes a second."""
    return lambda: 1 / rate


def at_random(rate: Callable[[], float], randomness: Random) -> Interval:
    """Return random intervals of a Poisson process. `rate` returns the present rate."""
    return lambda: randomness.expovariate(rate())


class Pacing:
    """The sequence of due times. The first change is due at `now`, in seconds of a clock.

    A caller that is late makes its changes at once, until it has made up for all missed ones.
    """

    def __init__(self, interval: Interval, now: float) -> None:
        self._interval, self._due = interval, now

    def wait(self, changes: int, now: float) -> float:
        """Return the seconds until the next due time, after an action of this many changes."""
        for _ in range(changes):
            self._due += self._interval()
        return max(0.0, self._due - now)

    def take(self, most: int, now: float) -> int:
        """Return how many changes are due now, at most `most`. The caller makes them at once."""
        count = 0
        while count < most and self._due <= now:
            self._due += self._interval()
            count += 1
        return count
