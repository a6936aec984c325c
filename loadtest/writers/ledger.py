"""Holds the receipts that users choose from, and what the harness has written to each.

A user borrows a receipt while it writes, so the order of the writes to one receipt is known. After
a failed write the content of its receipt is unknown, so the receipt is not used again.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from compactor.cycle.projection import Item
from receipt_ops.loading.items import embedded, entities_of
from receipt_ops.loading.receipts import Receipt
from receipt_sync.keys import Collection, EntityKey

_TRIES: Final = 20

Fields = Mapping[str, Any]
"""The attributes of an item as Python values. Numbers are int or Decimal."""


@dataclass
class Held:
    """One receipt: its items by key, and for each line and word the text of its vector."""

    items: dict[EntityKey, Item | None]
    documents: dict[EntityKey, str]
    lock: threading.Lock = field(default_factory=threading.Lock)
    usable: bool = True

    @classmethod
    def of(cls, receipt: Receipt) -> "Held":
        """Return the state of a receipt that was loaded with all its vectors."""
        entities = [
            embedded(entity) if entity.key.collection else entity for entity in entities_of(receipt)
        ]
        return cls(
            {entity.key: entity.fields for entity in entities},
            {entity.key: entity.text for entity in entities if entity.key.collection},
        )

    @property
    def metadata(self) -> EntityKey:
        return next(iter(self.items)).metadata

    def keys(self, collection: Collection) -> list[EntityKey]:
        """Return the keys of all lines or of all words."""
        return [key for key in self.items if key.collection is collection]

    def line_with_words(self, line: EntityKey) -> list[EntityKey]:
        """Return the keys of a line and its words."""
        return [key for key in self.items if key.line_id == line.line_id]


class Ledger:
    """All receipts of a run. The first is the hot receipt, which is never deleted."""

    def __init__(self, receipts: Iterable[Receipt]) -> None:
        self._receipts = [Held.of(receipt) for receipt in receipts]

    def __len__(self) -> int:
        return len(self._receipts)

    @property
    def hot_key(self) -> EntityKey:
        """The key of the hot receipt's metadata."""
        return self._receipts[0].metadata

    def add(self, held: Held) -> None:
        """Add a receipt that was just written."""
        self._receipts.append(held)

    @contextmanager
    def hot(self) -> Iterator[Held | None]:
        """Borrow the hot receipt. Wait until no other user writes to it."""
        held = self._receipts[0]
        with held.lock:
            yield held

    @contextmanager
    def any(self, randomness: Random) -> Iterator[Held | None]:
        """Borrow a receipt that is not the hot one and that no other user writes to.

        Yield None if there is none, because users have deleted too many.
        """
        held = self._free(randomness)
        try:
            yield held
        finally:
            if held is not None:
                if not held.usable:
                    self._receipts.remove(held)
                held.lock.release()

    def _free(self, randomness: Random) -> Held | None:
        others = self._receipts[1:]
        tries = min(_TRIES, len(others))
        for held in randomness.sample(others, tries):
            if held.lock.acquire(blocking=False):
                if held.usable:
                    return held
                held.lock.release()
        return None
