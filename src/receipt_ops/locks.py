"""The leases in the table, and the release of a lease whose holder is gone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from compactor.locking.lock_table import lock_id_of
from receipt_ops.errors import OperationError
from receipt_sync.keys import Collection

MISSED: Final = 2
"""The number of missed heartbeats after which a holder counts as silent."""


class LockHeldError(OperationError):
    """The holder of a lease seems to be at work."""


class LeaseRowError(OperationError):
    """An item under the key of a lease is not a lease."""


@dataclass(frozen=True)
class HeldLock:
    """Holds a lease. The compactor compares `expires`; `heartbeat` is information for operators."""

    lock_id: str
    collection: Collection
    owner: str
    expires: datetime
    heartbeat: datetime | None
    every: timedelta
    """The heartbeat interval in the compactor's configuration."""

    def is_over(self, now: datetime) -> bool:
        """Return whether the lease has expired, so that any worker may take it."""
        return self.expires < now

    def is_alive(self, now: datetime) -> bool:
        """Return whether its holder seems to be at work."""
        beaten = self.heartbeat is not None and now - self.heartbeat < MISSED * self.every
        return beaten and not self.is_over(now)

    def to_json(self, now: datetime) -> dict[str, Any]:
        return {
            "lock_id": self.lock_id,
            "collection": self.collection.value,
            "owner": self.owner,
            "expires": self.expires.isoformat(),
            "heartbeat": self.heartbeat.isoformat() if self.heartbeat else None,
            "over": self.is_over(now),
            "alive": self.is_alive(now),
        }


class Locks(Protocol):
    """A store of leases."""

    def get(self, lock_id: str, collection: Collection) -> HeldLock | None:
        """Return the lease of a collection; None if there is none. Raises LeaseRowError."""
        ...

    def release(self, lock_id: str, owner: str) -> bool:
        """Delete the lease if it still has this owner. Return whether it was deleted."""
        ...


def held_locks(locks: Locks, lock_id: str) -> list[HeldLock]:
    """Return the existing leases, the expired ones included."""
    found = (locks.get(lock_id_of(lock_id, collection), collection) for collection in Collection)
    return [lock for lock in found if lock is not None]


def release(
    locks: Locks, lock: HeldLock, now: datetime, *, force: bool, dry_run: bool = False
) -> bool:
    """Release a lease. Return False if it has another owner by now.

    Raises LockHeldError if its holder seems to be at work, unless `force` is set. No update is lost
    if the holder is at work: the condition on the manifest decides its publish, not the lease (I3).
    A dry run makes the same checks and releases nothing.
    """
    if lock.is_alive(now) and not force:
        raise LockHeldError(
            f"the last heartbeat of the holder of {lock.lock_id} is "
            f"{(now - _beat(lock)).total_seconds():.0f} s old, so the holder is at work: wait, "
            "or repeat the command with --force"
        )
    return dry_run or locks.release(lock.lock_id, lock.owner)


def _beat(lock: HeldLock) -> datetime:
    return lock.heartbeat or lock.expires
