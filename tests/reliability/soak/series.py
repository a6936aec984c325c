"""Values over time."""

from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

GROWTH: Final = 0.15
"""The share by which the last quarter of a run may exceed the second quarter."""
_ROOM: Final = 32 * 2**20
"""Bytes that do not count as growth, for objects whose retention has not ended."""


@dataclass
class Series:
    """Values over time. `at` is in seconds since the start."""

    at: list[float] = field(default_factory=list)
    values: list[int] = field(default_factory=list)

    def add(self, at: float, value: int) -> None:
        self.at.append(at)
        self.values.append(value)

    def quarter(self, number: int) -> int:
        """Return the median of a quarter of the run, from 0 to 3, or 0 without values."""
        size = len(self.values)
        return int(median(self.values[size * number // 4 : size * (number + 1) // 4] or [0]))

    @property
    def is_bounded(self) -> bool:
        """Return whether there are values, and the last quarter does not exceed the second one."""
        bound = self.quarter(1) * (1 + GROWTH) + _ROOM
        return any(self.values) and self.quarter(3) <= bound

    def to_json(self) -> dict[str, Any]:
        quarters = [self.quarter(number) for number in range(4)]
        return {
            "quarters": quarters,
            "largest": max(self.values, default=0),
            "bounded": self.is_bounded,
        }
