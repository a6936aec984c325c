"""Finds the knee: the highest rate at which the backlog does not grow.

The search raises the rate step by step. Below the knee, the number of changes that are not visible
yet stays at about the rate times the freshness. Beyond the knee it grows during the whole step.
The search ignores the first third of a step, because a new rate takes effect with a delay. If the
backlog seems to grow, the step is extended once, because a backlog also varies at a constant rate.
"""

from dataclasses import dataclass
from statistics import fmean
from typing import Final

FACTOR: Final = 1.25
STEP_SECONDS: Final = 15.0
_GROWTH: Final = 0.1
"""The backlog may grow by this share of the changes that the rate asks for."""
_REACHED: Final = 0.85
"""Users must reach this share of a step's rate, otherwise the search ends."""


@dataclass(frozen=True)
class Sample:
    """The changes written until `at` (seconds of the run), and how many are not visible yet."""

    at: float
    written: int
    outstanding: int


@dataclass(frozen=True)
class Verdict:
    """The result of a search.

    `held` is the highest rate without a growing backlog, in changes a second. None: there is none.
    `reason` says why the search ended.
    """

    held: float | None
    reason: str


class Knee:
    """A search that begins at `rate`. It expects a sample about once a second, in time order."""

    def __init__(self, rate: float, step_seconds: float = STEP_SECONDS) -> None:
        self.rate = rate
        self.verdict = Verdict(None, "no step was finished")
        self._step_seconds = step_seconds
        self._samples: list[Sample] = []
        self._doubted = False
        self._over = False

    def next_rate(self, sample: Sample) -> float | None:
        """Take a sample. Return the rate for the next writes, or None after the end."""
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
        # The two means are half of the step apart, hence the division by two.
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
