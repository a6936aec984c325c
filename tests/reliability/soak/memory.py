"""Whether the memory of a function stays flat, judged by the slope of one of its processes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import StatisticsError, linear_regression
from typing import Any, Final

from tests.reliability.soak.series import Series

SLACK: Final = 32 * 2**20
"""Bytes by which a process may grow after its warm-up: an arena of the allocator, and what
compactor/allocator.py waits for before it gives memory back."""
_WARM_UP: Final = 1 / 4
"""Share of a process's time that is not judged."""
_FEWEST: Final = 8
"""Looks without which nothing can be said."""


@dataclass
class Memory:
    """Resident bytes of each process of a function, by the process's id.

    The largest process at each moment would hide a leak behind a process that took another's place.
    """

    processes: dict[int, Series] = field(default_factory=dict)
    looks: int = 0

    def add(self, at: float, resident: Mapping[int, int]) -> None:
        """Note one look at `at` seconds."""
        self.looks += 1
        for pid, value in resident.items():
            self.processes.setdefault(pid, Series()).add(at, value)

    @property
    def longest(self) -> Series:
        """The series of the process that was seen most often."""
        return max(self.processes.values(), key=lambda each: len(each.values), default=Series())

    @property
    def growth(self) -> float | None:
        """Bytes by which that process grew after its warm-up, by a line fitted to its values.

        None if it was seen too seldom, or in less than half of the looks.
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
        """Whether one process lived through most of the run and grew by no more than SLACK."""
        growth = self.growth
        return growth is not None and growth <= SLACK

    def to_json(self) -> dict[str, Any]:
        return {
            **self.longest.to_json(),
            "processes": len(self.processes),
            "growth": None if self.growth is None else round(self.growth),
            "flat": self.is_flat,
        }
