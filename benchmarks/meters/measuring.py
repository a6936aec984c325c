"""Times candidates in turn, so that other work of the machine affects all of them alike."""

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Protocol

from benchmarks.meters.traffic import Traffic


class Candidate(Protocol):
    """A candidate: one way to do the work of a round."""

    def prepare(self, number: int) -> None:
        """Prepare round `number`. This is not timed."""
        ...

    def run(self) -> None:
        """Do the work of the round. This is timed."""
        ...


@dataclass(frozen=True)
class Sample:
    """One timed run: its seconds, and the bytes sent and received."""

    seconds: float
    moved: int


@dataclass(frozen=True)
class Measured:
    """All runs of one candidate."""

    samples: tuple[Sample, ...]

    @property
    def seconds(self) -> float:
        """The median seconds."""
        return median(sample.seconds for sample in self.samples)

    @property
    def moved(self) -> float:
        """The median bytes sent and received."""
        return median(sample.moved for sample in self.samples)


def alternate(
    candidates: Mapping[str, Candidate],
    rounds: int,
    traffic: Traffic,
    advance: Callable[[], None] = lambda: None,
) -> dict[str, Measured]:
    """Run every candidate once a round. Each round begins with another candidate.

    An extra round at the start is not counted. It fills caches and opens connections.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in candidates}
    names = list(candidates)
    for number in range(rounds + 1):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            sample = timed(candidates[name], number, traffic)
            if number:
                samples[name].append(sample)
        advance()
    return {name: Measured(tuple(taken)) for name, taken in samples.items()}


def timed(candidate: Candidate, number: int, traffic: Traffic) -> Sample:
    """Prepare and time one run of one candidate."""
    candidate.prepare(number)
    gc.collect()
    before, begun = traffic.moved, time.perf_counter()
    candidate.run()
    return Sample(time.perf_counter() - begun, traffic.moved - before)
