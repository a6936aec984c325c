"""A check that the compactor's delete guard will allow the deletion of the test receipts.

The guard counts the records that a collection lost within an hour. Too
many test receipts would stay in the index until the hour is over. Until then the compactor would
refuse their deletions and SQS would deliver them again.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from receipt_ops.errors import OperationError
from receipt_ops.repair.guard import DeleteLimit
from receipt_sync.keys import Collection, EntityKey


class TooManyReceiptsError(OperationError):
    """The compactor would not delete the test receipts within an hour."""


def check_room(
    keys: Sequence[EntityKey], records: Mapping[Collection, int], limit: DeleteLimit
) -> None:
    """Raise TooManyReceiptsError if `keys` are more than the guard allows to delete.

    `records` counts the records of each collection, the test receipts included.
    """
    mine = Counter(key.collection for key in keys if key.collection is not None)
    for collection, count in mine.items():
        if not limit.allows(count, records[collection]):
            raise TooManyReceiptsError(
                f"the test receipts have {count:,} records of {collection}, and the compactor "
                "deletes at most "
                f"{max(limit.floor, round(limit.share * records[collection])):,} of "
                f"{records[collection]:,} records within an hour: choose fewer receipts, or "
                "raise MAX_DELETE_FLOOR of the compactor"
            )
