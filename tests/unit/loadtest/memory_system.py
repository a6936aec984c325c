"""An in-memory table, its vectors, and the snapshots that a test publishes of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from compactor.cycle.projection import project
from loadtest.writers.ledger import Held
from receipt_index.records import Record
from receipt_ops.loading.receipts import Line, Receipt
from receipt_sync.keys import Collection, EntityKey


def receipt(
    name: str, lines: Sequence[str] = ("FLAT WHITE 4.50", "TAX 0.25", "TOTAL 4.75", "BYE")
) -> Receipt:
    return Receipt(
        receipt=name,
        company="Cafe Luna",
        address="1 Main St",
        lines=tuple(Line(text=text, box=(0, 0, 100, 20)) for text in lines),
    )


class MemorySystem:
    """Implements Writes in memory.

    A vector counts after `deliver`. Readers see a change after `publish`.
    """

    def __init__(self) -> None:
        self.items: dict[EntityKey, dict[str, Any]] = {}
        self.foreign_items: list[Mapping[str, Any]] = []
        self.documents: dict[EntityKey, str] = {}
        self.sent: list[tuple[EntityKey, str]] = []
        self.failing: Exception | None = None
        self.calls: list[str] = []
        self.readers = {collection: PublishedReader() for collection in Collection}

    def receipt(self, receipt: Receipt) -> int:
        self._call("receipt")
        held = Held.of(receipt)
        self.items |= {key: dict(item or {}) for key, item in held.items.items()}
        self.sent += list(held.documents.items())
        return len(held.items) + len(held.documents)

    def set(self, key: EntityKey, fields: Mapping[str, Any]) -> int:
        self._call("set")
        self.items[key] = {**self.items[key], **fields}
        return 1

    def delete(self, keys: Sequence[EntityKey]) -> int:
        self._call("delete")
        for key in keys:
            del self.items[key]
        return len(keys)

    def vector(self, key: EntityKey, text: str) -> int:
        self._call("vector")
        self.sent.append((key, text))
        return 0

    def foreign(self, item: Mapping[str, Any]) -> int:
        self._call("foreign")
        self.foreign_items.append(item)
        return 0

    def deliver(self) -> None:
        """Deliver all vectors that were sent."""
        self.documents |= dict(self.sent)
        self.sent.clear()

    def publish(self, collection: Collection) -> None:
        """Publish a version that equals the projection of the table."""
        self.documents = {key: text for key, text in self.documents.items() if key in self.items}
        self.readers[collection].publish(
            {
                key.chroma_id: _record(key, self.items, text)
                for key, text in self.documents.items()
                if key.collection is collection
            }
        )

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.failing is not None:
            raise self.failing


class PublishedReader:
    """Serves the version that was published last, once it is refreshed."""

    def __init__(self) -> None:
        self.version = 0
        self.reads = 0
        self._published: tuple[int, dict[str, Record]] = (0, {})
        self._served: dict[str, Record] = {}

    def publish(self, records: dict[str, Record]) -> None:
        self._published = (self._published[0] + 1, records)

    def refresh(self) -> bool:
        newer = self._published[0] != self.version
        self.version, self._served = self._published
        return newer

    def get(self, ids: Sequence[str]) -> dict[str, Record]:
        self.reads += 1
        return {i: self._served[i] for i in ids if i in self._served}


def _record(key: EntityKey, items: Mapping[EntityKey, Any], document: str) -> Record:
    metadata = project(key, items, document=document)
    held = {name: value for name, value in metadata.items() if value is not None}
    return Record(key.chroma_id, held, document)
