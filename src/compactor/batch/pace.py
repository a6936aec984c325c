"""Measure the slices of an invocation, so that none begins without enough time left."""

from collections.abc import Callable
from typing import Final, TypeVar

from receipt_sync.deadline import Deadline

_LONGEST_RESERVE: Final = 10.0
"""Seconds that are reserved for a slice at most. Slices are sized to need less."""

Result = TypeVar("Result")


class Pace:
    """A timer of slices. It expects the next slice to take as long as the longest one so far."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._longest = 0.0

    def timed(self, slice_: Callable[[], Result]) -> Result:
        """Run a slice. Raises DeadlineNearError if there is no time for it."""
        self._deadline.check("work another slice", min(self._longest, _LONGEST_RESERVE))
        before = self._deadline.remaining()
        try:
            return slice_()
        finally:
            self._longest = max(self._longest, before - self._deadline.remaining())
