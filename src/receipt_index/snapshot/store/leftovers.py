"""Delete expired objects, and try failed deletions again at later publishes.

No version may need an object for GRACE after its deletion was announced. Half of that time is used
for tries. The other half is reserved for a call that is under way. Objects that are left after that
are in no manifest. `receipt-sync snapshot gc` announces their deletion again.
"""

from datetime import datetime
from typing import Final

from receipt_index.snapshot.store.retirement import GRACE
from receipt_index.snapshot.store.snapshot_store import SnapshotStore
from receipt_sync.errors import ObjectsNotDeletedError

_PATIENCE: Final = GRACE / 2


class Leftovers:
    """The objects that are still to be deleted, each with the time of its announcement."""

    def __init__(self, store: SnapshotStore) -> None:
        self._store = store
        self._announced: dict[str, datetime] = {}

    def delete(self, expired: list[str], now: datetime) -> None:
        """Delete `expired`, announced at `now`, and the objects that earlier calls left.

        Raises ObjectsNotDeletedError for the objects that the next call tries again.
        """
        kept = {name: at for name, at in self._announced.items() if now - at < _PATIENCE}
        self._announced = {**kept, **dict.fromkeys(expired, now)}
        if not self._announced:
            return
        try:
            self._store.delete(sorted(self._announced))
        except ObjectsNotDeletedError as error:
            self._announced = {n: at for n, at in self._announced.items() if n in error.names}
            raise
        self._announced = {}
