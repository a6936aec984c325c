"""What the scrub reads, and where its state is kept."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from compactor.cycle.source import ItemSource
from receipt_index.records import Index
from receipt_index.snapshot.format.scrub_state import ScrubState
from receipt_sync.deadline import Deadline
from receipt_sync.keys import Collection as EntityCollection
from receipt_sync.keys import EntityKey


class KeyPage(NamedTuple):
    """Entities of the table in its own order."""

    keys: list[EntityKey]
    last: tuple[str, str] | None
    """The last item that was passed, as its partition key and sort key; None at the table's end."""
    passed: int
    """The number of items that were passed. Some belong to other users of the table."""


class ScannedTable(ItemSource, Protocol):
    """The table as the scrub reads it. Every read is strongly consistent."""

    def keys_after(self, after: tuple[str, str] | None, most: int, deadline: Deadline) -> KeyPage:
        """Return the entities among the next `most` items after a key. Raises TableReadError."""
        ...


class StoredDeltas(Protocol):
    """The deltas in the bucket."""

    def after(self, collection: EntityCollection, after: str | None, most: int) -> list[str]:
        """Return the ids of up to `most` deltas that are newer than `after`, oldest first.

        Fewer ids mean that no others follow.
        """
        ...

    def read(self, key: str) -> bytes:
        """See `receipt_index.deltas.DeltaStore.read`."""
        ...


class StateKeeper(Protocol):
    """Keeps the state with the versions of a collection. `WorkingCopy` is one."""

    @property
    def version(self) -> int: ...

    @property
    def scrub_state(self) -> ScrubState | None: ...

    def keep_scrub_state(self, state: ScrubState) -> None: ...


@dataclass(frozen=True)
class World:
    """All that one look reads."""

    collection: EntityCollection
    index: Index
    table: ScannedTable
    deltas: StoredDeltas
    deadline: Deadline
