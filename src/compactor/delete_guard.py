"""How much may be deleted without a person's word (I5).

Queues group messages by chance, so a cycle alone can't tell a mass delete: the same thousand
deletions come in one cycle or in ten. Therefore what a collection has lost in the last hour counts
in. A cycle that would go beyond the limit deletes nothing, and applies everything else.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol

from receipt_sync.errors import MassDeleteRefusedError

_WINDOW_SECONDS: Final = 3600.0


class Counted(Protocol):
    """A collection whose records can be counted (compactor.index.Index)."""

    def count(self) -> int: ...


@dataclass(frozen=True)
class DeleteGuard:
    """The most that may be deleted: `share` of the records, but never fewer than `floor` records.

    A small collection may lose a whole receipt.
    """

    share: float
    floor: int


class DeleteLedger:
    """What one collection has lost within the window, as far as this process published it."""

    def __init__(self, guard: DeleteGuard) -> None:
        self._guard = guard
        self._lost: deque[tuple[float, int]] = deque()
        """When, on the monotonic clock, and deletions minus insertions of a cycle."""

    def refusal(self, index: Counted, deletes: int, moment: float) -> MassDeleteRefusedError | None:
        """Why a cycle may not delete so many; None if it may."""
        lost = self._recently_lost(moment)
        if not deletes or lost + deletes <= self._guard.floor:
            return None
        if lost + deletes <= self._guard.share * (index.count() + lost):
            return None
        return MassDeleteRefusedError(
            f"a cycle would delete {deletes} records of a collection that lost {lost} in the last "
            f"hour, more than {self._guard.share:.0%} of it: if that is meant, raise "
            "MAX_DELETE_SHARE and let the messages return"
        )

    def note(self, deletes: int, inserts: int, moment: float) -> None:
        """Count a cycle in that was published."""
        if deletes or inserts:
            self._lost.append((moment, deletes - inserts))

    def _recently_lost(self, moment: float) -> int:
        while self._lost and self._lost[0][0] <= moment - _WINDOW_SECONDS:
            self._lost.popleft()
        lost = 0
        for _, change in self._lost:
            lost = max(0, lost + change)  # what was inserted before excuses no later deletion
        return lost
