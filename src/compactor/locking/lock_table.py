"""The row of a lease, and the table that holds it (design: Lease)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from receipt_sync.keys import Collection


def lock_id_of(prefix: str, collection: Collection) -> str:
    """Return the id of a collection's lease. `prefix` is the setting COMPACTION_LOCK_ID."""
    return f"{prefix}-{collection.removeprefix('receipt_')}"


@dataclass(frozen=True)
class CompactionLock:
    """One state of the lease. `owner` is a UUID; times are aware, in UTC."""

    lock_id: str
    owner: str
    expires: datetime
    heartbeat: datetime


class LockTable(Protocol):
    """Conditional writes of the lock's row."""

    def acquire(self, lock: CompactionLock, now: datetime) -> str:
        """Write the lock if there is none, if it is the owner's own, or if it expired before `now`.

        Return the present owner, which is the lock's own if it was written. Raises LockTableError.
        """
        ...

    def extend(self, lock: CompactionLock) -> bool:
        """Update `expires` and `heartbeat` if the owner is unchanged, and return whether it is.

        Raises LockTableError.
        """
        ...

    def release(self, lock_id: str, owner: str) -> bool:
        """Delete the lock if the owner is unchanged; return False if another worker holds it.

        A lock that is already gone counts as released. Raises LockTableError.
        """
        ...
