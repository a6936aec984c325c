"""The limits on the records that a repair may delete from a collection (I5)."""

from dataclasses import dataclass
from typing import NamedTuple

from receipt_ops.errors import OperationError
from receipt_sync.keys import Collection


class MassDeleteError(OperationError):
    """A repair would delete more of a collection than its own or the compactor's limit allows."""


class DeleteLimit(NamedTuple):
    """Limits deletions to a share of a collection's records, but always allows `floor` records."""

    share: float
    floor: int

    def allows(self, deletes: int, records: int) -> bool:
        return deletes <= max(self.floor, self.share * records)


@dataclass(frozen=True)
class Guard:
    """Holds the repair's own limit, which an operator can raise, and the compactor's limit."""

    own: DeleteLimit
    compactor: DeleteLimit

    def check(self, collection: Collection, deletes: int, records: int) -> None:
        """Raise MassDeleteError if the deletions exceed either limit.

        The compactor would refuse a cycle beyond its limit as a whole.
        """
        found = f"{deletes:,} of {records:,} records of {collection} have no item in the table"
        if not self.own.allows(deletes, records):
            raise MassDeleteError(
                f"{found}, which is more than {self.own.share:.0%}. The repair sent nothing. "
                "Check that this is the right table and that it is complete, then run "
                "`receipt-sync repair --max-delete-share 1`"
            )
        if not self.compactor.allows(deletes, records):
            raise MassDeleteError(
                f"{found}. The compactor refuses a cycle that deletes more than "
                f"{self.compactor.share:.0%} of a collection, so the repair sent nothing. Set "
                "MAX_DELETE_SHARE=1 on the compactor, repair again, and set it back to "
                f"{self.compactor.share:g}"
            )
