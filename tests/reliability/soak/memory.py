"""Decides whether the memory of a function stays flat, by the slope of one of its processes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import StatisticsError, linear_regression
from typing import Any, Final

from tests.reliability.soak.series import Series

SLACK: Final = 32 * 2**20
"""Bytes by which a process may grow after its warm-up. They cover an arena of the allocator,
and the threshold at which compactor/allocator.py returns memory."""
_WARM_UP: Final = 1 / 4
"""Share of a process's time that is not judged."""
_FEWEST: Final = 8
"""The smallest number of samples for a judgement."""


@dataclass
class Memory:
    """Resident bytes of each process of a function, by the process's id.

    A series of the largest process at each moment would hide a leak if a new process replaced it.
    """

    processes: dict[int, Series] = field(default_factory=dict)
    looks: int = 0

    def add(self, at: float, resident: Mapping[int, int]) -> None:
        """Add one sample at `at` seconds."""
        self.looks += 1
        for pid, value in resident.items():
            self.processes.setdefault(pid, Series()).add(at, value)

    @property
    def longest(self) -> Series:
        """Return the series of the process with the most samples."""
        return max(self.processes.values(), key=lambda each: len(each.values), default=Series())

    @property
    def growth(self) -> float | None:
        """Return the bytes by which that process grew after its warm-up, by a fitted line.

        None if it has too few samples, or less than half of the samples.
        """
        series = self.longest
        seen = len(series.values)
        if seen < _FEWEST or 2 * seen < self.looks:
            return None
        first = round(seen * _WARM_UP)
        at, values = series.at[first:], series.values[first:]
        try:
            slope, _ = linear_regression(at, values)
        except StatisticsError:  # all looks at one moment
            return None
        return slope * (at[-1] - at[0])

    @property
    def is_flat(self) -> bool:
        """Return whether one process lived for most of the run, and grew by SLACK at most."""
        growth = self.growth
        return growth is not None and growth <= SLACK

    def to_json(self) -> dict[str, Any]:
        return {
            **self.longest.to_json(),
            "processes": len(self.processes),
            "growth": None if self.growth is None else round(self.growth),
            "flat": self.is_flat,
        }
