"""How long the slices of an invocation take, so that none is begun that has no time left."""

from collections.abc import Callable
from typing import Final, TypeVar

from receipt_sync.deadline import Deadline

_LONGEST_RESERVE: Final = 10.0
"""Seconds that are kept free at most: slices are made to need less."""

Result = TypeVar("Result")


class Pace:
    """The longest slice so far is what the next one is taken to need."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._longest = 0.0

    def timed(self, slice_: Callable[[], Result]) -> Result:
        """Run a slice. Raises DeadlineNearError if there is no time for one."""
        self._deadline.check("work another slice", min(self._longest, _LONGEST_RESERVE))
        before = self._deadline.remaining()
        try:
            return slice_()
        finally:
            self._longest = max(self._longest, before - self._deadline.remaining())
