"""Finds the highest rate at which the backlog does not grow.

The rate is raised step by step. Within a step the number of changes that readers don't see yet is
about the rate times the freshness, and stays so; beyond the knee it grows as long as the step
lasts. The first seconds of a step are left out: a new rate needs a moment to show. A step that
seems to grow goes on for as long again before that is believed: a backlog moves by itself, too.
"""

from dataclasses import dataclass
from statistics import fmean
from typing import Final

FACTOR: Final = 1.25
STEP_SECONDS: Final = 15.0
_GROWTH: Final = 0.1
"""Share of the changes written in a step that may be left over at its end."""
_REACHED: Final = 0.85
"""Share of a step's rate that users must have reached for it to count."""


@dataclass(frozen=True)
class Sample:
    """One moment: changes written since the beginning, and how many of them are not visible."""

    at: float
    written: int
    outstanding: int


@dataclass(frozen=True)
class Verdict:
    """The highest rate that held, in changes a second (None: not even the first one did), and why
    the search ended."""

    held: float | None
    reason: str


class Knee:
    """Begins at `rate`; samples come about once a second, with times that rise."""

    def __init__(self, rate: float, step_seconds: float = STEP_SECONDS) -> None:
        self.rate = rate
        self.verdict = Verdict(None, "no step was finished")
        self._step_seconds = step_seconds
        self._samples: list[Sample] = []
        self._doubted = False
        self._over = False

    def next_rate(self, sample: Sample) -> float | None:
        """The rate to write at from now on; None once the knee is found."""
        if self._over:
            return None
        self._samples.append(sample)
        if sample.at - self._samples[0].at >= self._step_seconds * (1 + self._doubted):
            self._judge([one for one in self._samples if self._is_settled(one)])
        return None if self._over else self.rate

    def _is_settled(self, sample: Sample) -> bool:
        return sample.at - self._samples[0].at >= self._step_seconds / 3

    def _judge(self, samples: list[Sample]) -> None:
        begin, end = samples[0], samples[-1]
        seconds = end.at - begin.at
        reached = (end.written - begin.written) / seconds
        half = len(samples) // 2
        before = fmean(sample.outstanding for sample in samples[:half])
        after = fmean(sample.outstanding for sample in samples[half:])
        # The means lie half of the time apart.
        grew = after - before > _GROWTH * self.rate * seconds / 2 and after > self.rate
        if grew and not self._doubted:
            self._doubted = True
        elif grew:
            self._end(f"at {self.rate:.0f} changes a second the backlog grew")
        elif reached < _REACHED * self.rate:
            self._end(f"users reached {reached:.0f} of {self.rate:.0f} changes a second")
        else:
            self.verdict = Verdict(self.rate, "the time was over before the backlog grew")
            self.rate *= FACTOR
            self._samples, self._doubted = [end], False

    def _end(self, reason: str) -> None:
        self._over = True
        self.verdict = Verdict(self.verdict.held, reason)
