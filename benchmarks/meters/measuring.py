"""Times candidates in turn, so that what else the machine does hits all of them alike."""

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Protocol

from benchmarks.meters.traffic import Traffic


class Candidate(Protocol):
    """One way to do the work of a round."""

    def prepare(self, number: int) -> None:
        """Make round `number` ready; not timed."""
        ...

    def run(self) -> None:
        """Do the work of the round; timed."""
        ...


@dataclass(frozen=True)
class Sample:
    """One timed run: seconds, and bytes that went over the wire, both ways."""

    seconds: float
    moved: int


@dataclass(frozen=True)
class Measured:
    """All runs of one candidate."""

    samples: tuple[Sample, ...]

    @property
    def seconds(self) -> float:
        """The median."""
        return median(sample.seconds for sample in self.samples)

    @property
    def moved(self) -> float:
        """The median, in bytes."""
        return median(sample.moved for sample in self.samples)


def alternate(
    candidates: Mapping[str, Candidate],
    rounds: int,
    traffic: Traffic,
    advance: Callable[[], None] = lambda: None,
) -> dict[str, Measured]:
    """Run every candidate once a round, each round begun by another one.

    A round before the first is run and not counted: caches fill, connections open.
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
    """One run of one candidate."""
    candidate.prepare(number)
    gc.collect()
    before, begun = traffic.moved, time.perf_counter()
    candidate.run()
    return Sample(time.perf_counter() - begun, traffic.moved - before)
