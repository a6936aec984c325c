"""Refuse test receipts that the compactor's delete guard would not let go again.

The guard counts what a collection lost within an hour (compactor.delete_guard). Test receipts that
are too many for it would stay in the index until the hour is over, and their deletions would come
back again and again.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from operations.errors import OperationError
from operations.repair.guard import DeleteLimit
from receipt_sync.keys import Collection, EntityKey


class TooManyReceiptsError(OperationError):
    """Test receipts could not be deleted again within an hour."""


def check_room(
    keys: Sequence[EntityKey], records: Mapping[Collection, int], limit: DeleteLimit
) -> None:
    """Raise TooManyReceiptsError if `keys` are more than the guard lets go.

    `records` are the records of each collection while the test receipts are in it.
    """
    mine = Counter(key.collection for key in keys if key.collection is not None)
    for collection, count in mine.items():
        if not limit.allows(count, records[collection]):
            raise TooManyReceiptsError(
                f"the receipts have {count:,} records of {collection}, and the compactor lets "
                f"{max(limit.floor, round(limit.share * records[collection])):,} of "
                f"{records[collection]:,} go within an hour: take fewer receipts"
            )
