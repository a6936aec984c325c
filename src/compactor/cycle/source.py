"""The table as the compactor reads it.

Absence is reported only after a read that succeeded completely (I5).
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from compactor.cycle.projection import Item
from receipt_sync.deadline import Deadline
from receipt_sync.keys import Collection as EntityCollection
from receipt_sync.keys import EntityKey, ReceiptKey


@dataclass(frozen=True)
class Members:
    """Keys of a receipt's records in one collection, in the table's order."""

    keys: list[EntityKey]
    whole: bool
    """Whether no keys follow these."""


class TableSource(Protocol):
    """The table as the compactor reads it. Every read is strongly consistent."""

    def get(self, keys: Collection[EntityKey], deadline: Deadline) -> dict[EntityKey, Item | None]:
        """Return every key's item, decoded. None proves absence. Raises TableReadError."""
        ...

    def members(
        self, receipts: Collection[ReceiptKey], deadline: Deadline
    ) -> dict[EntityKey, Item | None]:
        """Return all entities of the receipts that exist. Raises TableReadError."""
        ...

    def member_keys(
        self,
        receipt: ReceiptKey,
        collection: EntityCollection,
        after: EntityKey | None,
        most: int,
        deadline: Deadline,
    ) -> Members:
        """Return up to `most` keys of a receipt's records, after the key `after` if given.

        A returned key proves that its item exists. A key that is not returned proves nothing.
        Raises TableReadError.
        """
        ...
