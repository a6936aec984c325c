"""Watches the lease item: a worker that extends or releases it must hold it (I3)."""

from datetime import datetime
from typing import NamedTuple

from tests.reliability.simulation.checks.checks import Check
from tests.reliability.simulation.environment.scheduler import Scheduler
from tests.reliability.simulation.environment.table import Attributes, Key


class _Held(NamedTuple):
    owner: str
    good_until: float
    """On the monotonic clock of the holder."""


class LockWatch:
    """Checks each write of a lease item."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._held: dict[tuple[str, Key], _Held] = {}
        self._begun: dict[tuple[str, Key], float] = {}

    def begins(self, step: str, key: Key) -> None:
        """Record the start of a write. An expired lease cannot be extended."""
        process = self._scheduler.process
        now = self._begun[process.name, key] = self._scheduler.now - process.frozen
        held = self._held.get((process.name, key))
        if step == "lock.extend" and held is not None and now >= held.good_until:
            self._scheduler.fail(
                Check.LEASE, f"{process.name} extends a lease that had run out: {key[0]}"
            )

    def written(self, step: str, key: Key, old: Attributes | None, new: Attributes | None) -> None:
        """Check the item after it was acquired, extended or released."""
        process = self._scheduler.process
        held = self._held.get((process.name, key))
        owner = old["owner"]["S"] if old else None
        if step != "lock.acquire" and (held is None or owner != held.owner):
            self._scheduler.fail(
                Check.LEASE, f"{step} of {key[0]} by {process.name}, but {owner} holds it"
            )
        if new is not None:
            # The call to the table takes time, and the lease counts from the start of the call.
            good_until = self._begun[process.name, key] + _seconds(new)
            self._held[process.name, key] = _Held(new["owner"]["S"], good_until)


def _seconds(row: Attributes) -> float:
    expires, heartbeat = (datetime.fromisoformat(row[n]["S"]) for n in ("expires", "heartbeat"))
    return (expires - heartbeat).total_seconds()
