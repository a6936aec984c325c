"""The lease items in memory, and a heartbeat that does not run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from compactor.locking.lock_table import CompactionLock


class InMemoryLockTable:
    """Stores the lease items in memory."""

    def __init__(self) -> None:
        self.locks: dict[str, CompactionLock] = {}

    def acquire(self, lock: CompactionLock, now: datetime) -> str:
        held = self.locks.get(lock.lock_id)
        if held is not None and not held.expires < now and held.owner != lock.owner:
            return held.owner
        self.locks[lock.lock_id] = lock
        return lock.owner

    def extend(self, lock: CompactionLock) -> bool:
        held = self.locks.get(lock.lock_id)
        if held is None or held.owner != lock.owner:
            return False
        self.locks[lock.lock_id] = lock
        return True

    def release(self, lock_id: str, owner: str) -> bool:
        held = self.locks.get(lock_id)
        if held is not None and held.owner != owner:
            return False
        self.locks.pop(lock_id, None)
        return True


@contextmanager
def no_heartbeat(beat: Callable[[], None]) -> Iterator[None]:
    """Run the block without a heartbeat."""
    yield
