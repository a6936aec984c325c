"""The lease of one collection: CompactionLock, a row in the table (design: Lease).

The lease only saves work. The conditional write of the manifest protects the data (I3).
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Final

from compactor.locking.lock_table import CompactionLock, LockTable
from receipt_sync.clock import Clock
from receipt_sync.deadline import Deadline
from receipt_sync.errors import LeaseLostError, LeaseUnavailableError, LockTableError
from receipt_sync.retries.backoff import pauses
from receipt_sync.telemetry import Metric, Telemetry

_LONGEST_PAUSE: Final = 1.0


Heartbeat = Callable[[Callable[[], None]], AbstractContextManager[None]]
"""Calls the given function regularly while the context is open."""


@dataclass(frozen=True)
class LeaseTerms:
    """The id of the lock, the owner, and how long a lease lasts without a heartbeat."""

    lock_id: str
    owner: str
    duration: timedelta


class Lease:
    """A lease that can be acquired, extended, checked and released."""

    def __init__(
        self,
        table: LockTable,
        terms: LeaseTerms,
        heartbeat: Heartbeat,
        clock: Clock,
        randomness: Random,
        telemetry: Telemetry,
    ) -> None:
        self._table, self._terms, self._heartbeat = table, terms, heartbeat
        self._clock, self._randomness, self._telemetry = clock, randomness, telemetry
        self._good_until = 0.0
        self._lost = False

    @contextmanager
    def held(self, deadline: Deadline) -> Iterator[None]:
        """Hold the lease for a block. Raises LeaseUnavailableError if another worker keeps it."""
        self._acquire(deadline)
        try:
            with self._heartbeat(self.beat):
                yield
        finally:
            self._release()

    def beat(self) -> None:
        """Extend the lease. Raises LeaseLostError if it expired or belongs to another worker."""
        self.check()
        begun = self._clock.monotonic()
        if not self._table.extend(self._state()):
            self._lost = True
            self.check()
        self._good_until = begun + self._terms.duration.total_seconds()

    def check(self) -> None:
        """Raise LeaseLostError unless this worker certainly still holds the lease."""
        if self._lost or self._clock.monotonic() >= self._good_until:
            raise LeaseLostError(
                f"the lease {self._terms.lock_id} could not be extended in time: nothing is "
                "published, the messages go back to the queue"
            )

    def _acquire(self, deadline: Deadline) -> None:
        waits = pauses(self._randomness, longest=_LONGEST_PAUSE)
        while (holder := self._try_acquire()) != self._terms.owner:
            self._telemetry.measure(Metric.COMPACTION_LOCK_CONTENTIONS, 1)
            pause = next(waits)
            if deadline.remaining() < pause:
                raise LeaseUnavailableError(
                    f"the lease {self._terms.lock_id} is held by another worker ({holder}): the "
                    "messages go back to the queue",
                    self._clock.now() + self._terms.duration,
                )
            self._clock.sleep(pause)

    def _try_acquire(self) -> str:
        begun = self._clock.monotonic()
        holder = self._table.acquire(self._state(), self._clock.now())
        if holder == self._terms.owner:
            self._lost = False
            self._good_until = begun + self._terms.duration.total_seconds()
        return holder

    def _release(self) -> None:
        # The release is conditional on the owner. False means that the lease expired and belongs to
        # another worker, so it must stay. The manifest's condition protects the data meanwhile.
        self._good_until = 0.0
        if self._lost:
            return
        try:
            self._table.release(self._terms.lock_id, self._terms.owner)
        except LockTableError as error:
            # The cycle's result stays valid. The row expires, or this owner takes it again.
            self._telemetry.problem(
                "lease not released", error=type(error).__name__, detail=str(error)
            )

    def _state(self) -> CompactionLock:
        now = self._clock.now()
        return CompactionLock(
            self._terms.lock_id, self._terms.owner, now + self._terms.duration, now
        )
