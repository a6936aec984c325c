"""The wait until readers of the published snapshot see a write."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from receipt_index.records import Record
from receipt_ops.errors import OperationError
from receipt_sync.clock import Clock
from receipt_sync.keys import EntityKey

POLL_SECONDS: Final = 0.1
"""The pause between two checks. Each check requests a manifest of every collection."""


class NotVisibleError(OperationError):
    """Readers did not see a write in time."""


class Published(Protocol):
    """A reader of a collection that can refresh to the published version."""

    @property
    def version(self) -> int: ...

    def refresh(self) -> bool: ...

    def get(self, ids: Sequence[str]) -> dict[str, Record]: ...


Seen = Callable[[Record | None], bool]


def holds(fields: Mapping[str, Any]) -> Seen:
    """Return a check that a record exists and its metadata has these values."""

    def seen(record: Record | None) -> bool:
        if record is None:
            return False
        return all(record.metadata.get(name) == value for name, value in fields.items())

    return seen


def is_gone(record: Record | None) -> bool:
    """Return whether there is no record."""
    return record is None


def wait_until(
    check: Callable[[], bool], clock: Clock, seconds: float, pause: Callable[[], None]
) -> float | None:
    """Return the seconds until a check passes; None if it does not within `seconds`.

    The first check is made at once. `pause` runs before each further check.
    """
    begun = clock.monotonic()
    while True:
        is_done = check()
        took = clock.monotonic() - begun
        if is_done:
            return took
        if took > seconds:
            return None
        pause()


class Watcher:
    """Refreshes readers of collections until they see a write."""

    def __init__(
        self,
        published: Mapping[Any, Published],
        clock: Clock,
        patience_seconds: float,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._published, self._clock, self._patience = published, clock, patience_seconds
        self._poll = poll_seconds

    def until(self, keys: Sequence[EntityKey], seen: Seen, what: str) -> float:
        """Return the seconds until every key's record passes the check. Raises NotVisibleError."""
        waiting = list(keys)

        def are_all_seen() -> bool:
            waiting[:] = self._unseen(waiting, seen) if waiting else []
            return not waiting

        return self.until_true(are_all_seen, what)

    def until_true(self, check: Callable[[], bool], what: str) -> float:
        """Return the seconds until a check of the readers passes. Raises NotVisibleError."""
        took = wait_until(check, self._clock, self._patience, self._pause)
        if took is None:
            raise NotVisibleError(
                f"{what}: not visible to readers within {self._patience:g} s. "
                "Run `receipt-sync status` and `receipt-sync dlq show` to find the cause"
            )
        return took

    def _pause(self) -> None:
        self._clock.sleep(self._poll)
        for reader in self._published.values():
            reader.refresh()

    def _unseen(self, keys: Sequence[EntityKey], seen: Seen) -> list[EntityKey]:
        records: dict[str, Record] = {}
        for collection, reader in self._published.items():
            ids = [key.chroma_id for key in keys if key.collection is collection]
            records |= reader.get(ids) if ids and reader.version else {}
        return [key for key in keys if not seen(records.get(key.chroma_id))]
