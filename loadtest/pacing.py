"""When a user acts next: at random moments, as many a second as asked for in the long run."""

from random import Random


class Pacing:
    """Appointments of one user. Who is late acts at once, until all that was missed is made up."""

    def __init__(self, rate: float, randomness: Random, now: float) -> None:
        self._rate, self._randomness = rate, randomness
        self._due = now + randomness.expovariate(rate)

    def wait(self, changes: int, now: float) -> float:
        """Seconds until the next one, after an act that counts as so many changes, or as none."""
        for _ in range(changes):
            self._due += self._randomness.expovariate(self._rate)
        return max(0.0, self._due - now)
