"""The work of one cycle for one collection."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from receipt_index.deltas import VectorBatch
from receipt_sync.keys import EntityKey, ReceiptKey
from receipt_sync.messages import Change


@dataclass(frozen=True)
class Work:
    """Changes, and vectors that arrived.

    `done` names the last handled record of each receipt that an earlier slice has begun. The change
    of such a receipt asks only for the records after that one, in the table's order.
    """

    changes: tuple[Change, ...] = ()
    vectors: tuple[VectorBatch, ...] = ()
    done: Mapping[ReceiptKey, EntityKey] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Return the number of units that can be separated: changes, and rows of vectors."""
        return len(self.changes) + sum(len(batch.ids) for batch in self.vectors)

    def halves(self) -> tuple["Work", "Work"]:
        """Return two parts of about the same size, to find the unit that makes the whole fail."""
        units = list(self._units())
        middle = len(units) // 2
        return self._merged(units[:middle]), self._merged(units[middle:])

    def rest(self, unfinished: Mapping[ReceiptKey, EntityKey | None]) -> "Work":
        """Return what is left after a slice that did not finish these receipts.

        `unfinished` gives the last handled record of each receipt, or None if there is none.
        """
        return Work(
            changes=tuple(c for c in self.changes if _receipt_of(c) in unfinished),
            done={receipt: key for receipt, key in unfinished.items() if key is not None},
        )

    def _units(self) -> Iterator["Work"]:
        for change in self.changes:
            yield Work(changes=(change,))
        for batch in self.vectors:
            for row in range(len(batch.ids)):
                yield Work(vectors=(batch.rows(row, row + 1),))

    def _merged(self, units: list["Work"]) -> "Work":
        return Work(
            tuple(change for unit in units for change in unit.changes),
            tuple(batch for unit in units for batch in unit.vectors),
            self.done,
        )


def _receipt_of(change: Change) -> ReceiptKey | None:
    """Return the receipt if a change reaches all of its records; None otherwise."""
    return change.key.receipt if change.key.line_id is None else None
