"""A table in memory, as the compactor reads it. `failing` makes every read fail."""

from collections.abc import Collection
from copy import deepcopy
from typing import Any

from compactor.cycle.projection import Item
from compactor.cycle.source import Members
from receipt_sync.deadline import Deadline
from receipt_sync.errors import TableReadError
from receipt_sync.keys import Collection as EntityCollection
from receipt_sync.keys import EntityKey, ReceiptKey


class InMemoryTable:
    """Implements the table source in memory."""

    def __init__(self) -> None:
        self.items: dict[EntityKey, dict[str, Any]] = {}
        self.reads = 0
        self.failing: TableReadError | None = None

    def put(self, key: EntityKey, **fields: Any) -> None:
        self.items[key] = fields

    def get(self, keys: Collection[EntityKey], deadline: Deadline) -> dict[EntityKey, Item | None]:
        self._read(len(keys))
        return {key: deepcopy(self.items.get(key)) for key in keys}

    def members(
        self, receipts: Collection[ReceiptKey], deadline: Deadline
    ) -> dict[EntityKey, Item | None]:
        found: dict[EntityKey, Item | None] = {
            key: item for key, item in self.items.items() if key.receipt in set(receipts)
        }
        self._read(len(found))
        return deepcopy(found)

    def member_keys(
        self,
        receipt: ReceiptKey,
        collection: EntityCollection,
        after: EntityKey | None,
        most: int,
        deadline: Deadline,
    ) -> Members:
        found = sorted(
            (key for key in self.items if key.receipt == receipt and key.collection is collection),
            key=lambda key: key.sk,
        )
        found = [key for key in found if after is None or key.sk > after.sk]
        self._read(min(most, len(found)))
        return Members(found[:most], whole=len(found) <= most)

    def _read(self, count: int) -> None:
        if self.failing is not None:
            raise self.failing
        self.reads += count
