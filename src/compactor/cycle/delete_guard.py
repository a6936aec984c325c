"""Limit deletions that no operator has confirmed (I5).

Queues group messages by chance, so one cycle can't recognise a mass delete. The same thousand
deletions may come in one cycle or in ten. So the records that a collection lost in the last hour
count as well. A cycle that would exceed the limit deletes nothing, and applies everything else.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol

from receipt_sync.errors import MassDeleteRefusedError

_WINDOW_SECONDS: Final = 3600.0


class Counted(Protocol):
    """A collection whose records can be counted. See `receipt_index.records.Index`."""

    def count(self) -> int: ...


@dataclass(frozen=True)
class DeleteGuard:
    """The limit of deletions: `share` of the records, but never fewer than `floor` records.

    The floor allows a small collection to lose a whole receipt.
    """

    share: float
    floor: int


class DeleteLedger:
    """The records that one collection lost within the window, in publishes of this process."""

    def __init__(self, guard: DeleteGuard) -> None:
        self._guard = guard
        self._lost: deque[tuple[float, int]] = deque()
        """For each cycle, its time on the monotonic clock, and its deletions minus its insertions.
        """

    def refusal(self, index: Counted, deletes: int, moment: float) -> MassDeleteRefusedError | None:
        """Return the error if a cycle may not delete this many records; None if it may."""
        lost = self._recently_lost(moment)
        if not deletes or lost + deletes <= self._guard.floor:
            return None
        if lost + deletes <= self._guard.share * (index.count() + lost):
            return None
        return MassDeleteRefusedError(
            f"a cycle would delete {deletes} records of a collection that lost {lost} in the last "
            f"hour, more than {self._guard.share:.0%} of it: if the deletions are "
            "intended, raise MAX_DELETE_SHARE and let the messages return"
        )

    def note(self, deletes: int, inserts: int, moment: float) -> None:
        """Count a cycle that was published."""
        if deletes or inserts:
            self._lost.append((moment, deletes - inserts))

    def _recently_lost(self, moment: float) -> int:
        while self._lost and self._lost[0][0] <= moment - _WINDOW_SECONDS:
            self._lost.popleft()
        lost = 0
        for _, change in self._lost:
            lost = max(0, lost + change)  # earlier insertions do not offset later deletions
        return lost
