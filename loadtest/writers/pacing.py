"""Says when users act next. Actions come at random moments, at the asked rate in the long run.

All users share one sequence of due times. An action of many changes, such as a new receipt, then
delays the next action of every user a little. With a sequence per user, it would delay the user
who drew it by minutes.
"""

from collections.abc import Callable
from random import Random


class Pacing:
    """The sequence of due times. `rate` returns the present rate in changes a second.

    A user that is late acts at once, until the users have made up for all missed changes.
    """

    def __init__(self, rate: Callable[[], float], randomness: Random, now: float) -> None:
        self._rate, self._randomness = rate, randomness
        self._due = now

    def wait(self, changes: int, now: float) -> float:
        """Return the seconds until the next due time, after an action of this many changes."""
        for _ in range(changes):
            self._due += self._randomness.expovariate(self._rate())
        return max(0.0, self._due - now)
