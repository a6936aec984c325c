"""The leases as they stand in the table, and how to end one whose holder is gone."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from operations.errors import OperationError
from receipt_sync.keys import Collection

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SUFFIXES: Final = {Collection.LINES: "lines", Collection.WORDS: "words"}
"""Of the lock's id, one a collection (design: Lease)."""
MISSED: Final = 2
"""Heartbeats that may be missed until a holder is taken to be silent."""


class LockHeldError(OperationError):
    """A lease whose holder seems to be at work."""


class LeaseRowError(OperationError):
    """An item that should be a lease is none."""


@dataclass(frozen=True)
class HeldLock:
    """A lease as it is written. `expires` is what is compared; `heartbeat` is for people."""

    lock_id: str
    collection: Collection
    owner: str
    expires: datetime
    heartbeat: datetime | None
    every: timedelta
    """How often its holder beats, as the compactor is configured."""

    def is_over(self, now: datetime) -> bool:
        """Whether any worker may take it."""
        return self.expires < now

    def is_alive(self, now: datetime) -> bool:
        """Whether its holder seems to be at work."""
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
    """The rows of the leases."""

    def get(self, lock_id: str, collection: Collection) -> HeldLock | None:
        """The lease of a collection, if there is one. Raises LeaseRowError."""
        ...

    def release(self, lock_id: str, owner: str) -> bool:
        """Delete the lease if the owner is still this one."""
        ...


def held_locks(locks: Locks, lock_id: str) -> list[HeldLock]:
    """Return the leases that are there, over or not."""
    found = (locks.get(f"{lock_id}-{suffix}", name) for name, suffix in SUFFIXES.items())
    return [lock for lock in found if lock is not None]


def release(
    locks: Locks, lock: HeldLock, now: datetime, *, force: bool, dry_run: bool = False
) -> bool:
    """End a lease; False if it changed hands meanwhile. Raises LockHeldError without `force`.

    Nothing is lost where the holder is at work after all: its publish is decided by the manifest's
    condition, not by the lease (I3). A dry run makes the same checks and ends nothing.
    """
    if lock.is_alive(now) and not force:
        raise LockHeldError(
            f"the holder of {lock.lock_id} has beaten {(now - _beat(lock)).total_seconds():.0f} s "
            "ago, so it is at work: wait, or say --force"
        )
    return dry_run or locks.release(lock.lock_id, lock.owner)


class DynamoDBLocks:
    """Locks in the table."""

    def __init__(self, client: "DynamoDBClient", table: str, every: timedelta) -> None:
        self._client, self._table, self._every = client, table, every

    def get(self, lock_id: str, collection: Collection) -> HeldLock | None:
        key = {"PK": {"S": f"LOCK#{lock_id}"}, "SK": {"S": "LOCK"}}
        answer: Any = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        item = answer.get("Item")
        if item is None:
            return None
        try:
            return HeldLock(
                lock_id=lock_id,
                collection=collection,
                owner=item["owner"]["S"],
                expires=datetime.fromtimestamp(int(item["expires_at"]["N"]) / 1000, UTC),
                heartbeat=_moment(item["heartbeat"]["S"]) if "heartbeat" in item else None,
                every=self._every,
            )
        except (LookupError, TypeError, ValueError, OverflowError, OSError) as error:
            raise LeaseRowError(
                f"the item {key['PK']['S']} of the table {self._table} is no lease: delete it, for "
                "a lease only saves work"
            ) from error

    def release(self, lock_id: str, owner: str) -> bool:
        # Here, as it imports Powertools and X-Ray, which `lock show` does not need.
        from compactor.lock_table import DynamoDBLockTable

        return DynamoDBLockTable(self._client, self._table).release(lock_id, owner)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone is none")
    return moment


def _beat(lock: HeldLock) -> datetime:
    return lock.heartbeat or lock.expires
