"""Says when users act next. Actions come at random moments, at the asked rate in the long run.

All users share one sequence of due times. An action of many changes, such as a new receipt, then
delays the next action of every user a little. With a sequence per user, it would delay the user
who drew it by minutes.
"""

from collections.abc import Callable
from random import Random


class Pacing:
    """Appointments. `rate` gives the changes a second of the moment.

    Whoever is late acts at once, until all that was missed is made up.
    """

    def __init__(self, rate: Callable[[], float], randomness: Random, now: float) -> None:
        self._rate, self._randomness = rate, randomness
        self._due = now

    def wait(self, changes: int, now: float) -> float:
        """Seconds until the next appointment, after an action of so many changes, or of none."""
        for _ in range(changes):
            self._due += self._randomness.expovariate(self._rate())
        return max(0.0, self._due - now)
