"""What one cycle is asked to do for one collection."""

from collections.abc import Iterator
from dataclasses import dataclass

from compactor.deltas import VectorBatch
from receipt_sync.messages import Change


@dataclass(frozen=True)
class Work:
    """Changes, and vectors that arrived."""

    changes: tuple[Change, ...] = ()
    vectors: tuple[VectorBatch, ...] = ()

    @property
    def size(self) -> int:
        """Number of units that can be told apart: changes, and rows of vectors."""
        return len(self.changes) + sum(len(batch.ids) for batch in self.vectors)

    def halves(self) -> tuple["Work", "Work"]:
        """Two parts of about the same size, to find the unit that spoils the whole."""
        units = list(self._units())
        middle = len(units) // 2
        return _merged(units[:middle]), _merged(units[middle:])

    def _units(self) -> Iterator["Work"]:
        for change in self.changes:
            yield Work(changes=(change,))
        for batch in self.vectors:
            for row in range(len(batch.ids)):
                yield Work(vectors=(batch.rows(row, row + 1),))


def _merged(units: list[Work]) -> Work:
    return Work(
        tuple(change for unit in units for change in unit.changes),
        tuple(batch for unit in units for batch in unit.vectors),
    )
