"""When users act next: at random moments, as many changes a second as asked for in the long run.

One row of appointments for all users: an act of many changes, such as a new receipt, then puts off
everyone's next one, and not for minutes that of the user who happened to draw it.
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
        """Seconds until the next appointment, after an act of so many changes, or of none."""
        for _ in range(changes):
            self._due += self._randomness.expovariate(self._rate())
        return max(0.0, self._due - now)
