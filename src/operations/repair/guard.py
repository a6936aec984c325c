"""How much of a collection a repair may delete (I5)."""

from dataclasses import dataclass
from typing import NamedTuple

from operations.errors import OperationError
from receipt_sync.keys import Collection


class MassDeleteError(OperationError):
    """A repair would delete more of a collection than it may, or than the compactor would."""


class DeleteLimit(NamedTuple):
    """A share of a collection's records; up to `floor` of them may always go."""

    share: float
    floor: int

    def allows(self, deletes: int, records: int) -> bool:
        return deletes <= max(self.floor, self.share * records)


@dataclass(frozen=True)
class Guard:
    """The most that a repair may delete without a person's word, and the compactor ever does."""

    own: DeleteLimit
    compactor: DeleteLimit

    def check(self, collection: Collection, deletes: int, records: int) -> None:
        """Raise MassDeleteError beyond either limit: the compactor refuses such a cycle whole."""
        found = f"{deletes:,} of {records:,} records of {collection} have no item in the table"
        if not self.own.allows(deletes, records):
            raise MassDeleteError(
                f"{found}, more than {self.own.share:.0%}: nothing was sent. Make sure that the "
                "table is the right one and whole, then say --max-delete-share 1"
            )
        if not self.compactor.allows(deletes, records):
            raise MassDeleteError(
                f"{found}. The compactor refuses a cycle that deletes more than "
                f"{self.compactor.share:.0%} of a collection, so nothing was sent. Set "
                "MAX_DELETE_SHARE=1 on the compactor, repair again, and set it back to "
                f"{self.compactor.share:g}"
            )
