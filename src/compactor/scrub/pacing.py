"""How many steps the next slice has: by the interval, and by the time that cycles take."""

from datetime import datetime, timedelta
from math import ceil
from typing import Final

from receipt_index.snapshot.format.scrub_state import ScrubState

LEAST_STEPS: Final = 100
"""Steps of the smallest slice, so that every round ends. Fewer would not pay for the requests."""
MOST_STEPS: Final = 2_000
"""Steps of the largest slice. It takes about a second."""
ROUNDS: Final = 2
"""Rounds in an interval. A record that is damaged just after the cursor has passed it is found in
the next round. Two rounds therefore end within the interval.
"""
SHARE: Final = 0.1
"""The largest share of the cycles' time that scrubbing may take."""
_MOST_CREDIT: Final = 1.0
"""Seconds that a slice may add to a cycle, because the messages of the cycle wait for it."""
_FIRST_COST: Final = 0.001
"""Seconds that a step is assumed to take before the first slice is measured."""


def steps_due(state: ScrubState, now: datetime, interval: timedelta) -> int:
    """Return how many steps are due since the last slice.

    The number of steps in a round is that of the last round. In the first round, and if a round is
    late because the collection has grown, the largest slice is due.
    """
    if state.last is None or now - state.present.begun > interval / ROUNDS:
        return MOST_STEPS
    total = max(state.last.steps, state.present.steps, LEAST_STEPS)
    return min(MOST_STEPS, ceil(ROUNDS * total * max(0.0, (now - state.at) / interval)))


class TimeShare:
    """The time that scrubbing may take: a share of the time that the cycles of this process took.

    Scheduled ticks have no other work, and are not limited.
    """

    def __init__(self) -> None:
        self._credit = 0.0
        self._cost = _FIRST_COST

    def earn(self, seconds: float) -> None:
        """Note a cycle that took so many seconds, its slice included."""
        self._credit = min(_MOST_CREDIT, self._credit + SHARE * seconds)

    def spend(self, seconds: float, steps: int) -> None:
        """Note a slice of a cycle."""
        self._credit -= seconds
        self._cost = max(seconds / max(1, steps), _FIRST_COST / 100)

    @property
    def steps(self) -> int:
        """Return how many steps there is time for; 0 if the time is too short for a slice."""
        steps = int(self._credit / self._cost)
        return steps if steps >= LEAST_STEPS else 0
