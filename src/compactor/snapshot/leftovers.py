"""Deletes expired objects, and tries again at later publishes what could not be deleted.

No version may need an object for GRACE after its deletion was announced. Half of that is used here;
the other half belongs to a call that is under way. What is left then is named by no manifest, and
`receipt-sync snapshot gc` announces its deletion anew.
"""

from datetime import datetime
from typing import Final

from compactor.snapshot.retirement import GRACE
from compactor.snapshot.store import SnapshotStore
from receipt_sync.errors import ObjectsNotDeletedError

_PATIENCE: Final = GRACE / 2


class Leftovers:
    """Names of objects that are still to be deleted, with the moments of their announcements."""

    def __init__(self, store: SnapshotStore) -> None:
        self._store = store
        self._announced: dict[str, datetime] = {}

    def delete(self, expired: list[str], now: datetime) -> None:
        """Delete `expired`, announced at `now`, and what is left of earlier calls.

        Raises ObjectsNotDeletedError for what is tried again at the next call.
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
