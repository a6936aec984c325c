"""Values over time."""

from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

GROWTH: Final = 0.15
"""Share by which what lies on disk may differ between the second quarter of a run and the last."""
_ROOM: Final = 32 * 2**20
"""Bytes on disk that are no growth in themselves: objects that wait for their retention to end."""


@dataclass
class Series:
    """Values over time; `at` is seconds since the start."""

    at: list[float] = field(default_factory=list)
    values: list[int] = field(default_factory=list)

    def add(self, at: float, value: int) -> None:
        self.at.append(at)
        self.values.append(value)

    def quarter(self, number: int) -> int:
        """The median of a quarter of the run, 0 to 3; 0 if there is nothing."""
        size = len(self.values)
        return int(median(self.values[size * number // 4 : size * (number + 1) // 4] or [0]))

    @property
    def is_bounded(self) -> bool:
        """Whether something was seen, and the last quarter takes no more than the second one."""
        bound = self.quarter(1) * (1 + GROWTH) + _ROOM
        return any(self.values) and self.quarter(3) <= bound

    def to_json(self) -> dict[str, Any]:
        quarters = [self.quarter(number) for number in range(4)]
        return {
            "quarters": quarters,
            "largest": max(self.values, default=0),
            "bounded": self.is_bounded,
        }
