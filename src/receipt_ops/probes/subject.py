"""Test receipts of a probe: the probe loads, changes and deletes them, and touches no others."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from ulid import ULID

from receipt_index.deltas import Vectors
from receipt_index.reader import Readers
from receipt_ops.loading.dimensions import dimension_of_one
from receipt_ops.loading.embed import Embed
from receipt_ops.loading.items import Entity, entities_of
from receipt_ops.loading.load import Sender, Writer, load
from receipt_ops.loading.receipts import Receipt
from receipt_ops.probes.editing import Editor
from receipt_ops.terminal.signals import uninterrupted
from receipt_ops.visibility import Watcher, is_gone
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta
from receipt_sync.sequences import batches

PORTION: Final = 500
"""Items in one deletion. A cycle may delete this many records of any collection (I5)."""


class Table(Writer, Protocol):
    """A table that takes and deletes items."""

    def delete(self, keys: Sequence[EntityKey]) -> None: ...


@dataclass(frozen=True)
class Tools:
    """Hold the adapters that a probe works with."""

    writer: Table
    sender: Sender
    editor: Editor
    watcher: Watcher
    embed: Embed

    @classmethod
    def of(
        cls,
        readers: Readers,
        watcher: Watcher,
        writer: Table,
        sender: Sender,
        editor: Editor,
        embed: Embed,
    ) -> "Tools":
        dimensions = {name: dimension_of_one(reader) for name, reader in readers.items()}
        return cls(writer, FittedSender(sender, dimensions), editor, watcher, embed)


@dataclass(frozen=True)
class Subject:
    """Hold the entities of the test receipts."""

    entities: Sequence[Entity]

    @property
    def records(self) -> list[EntityKey]:
        """Return the keys of the entities that have a record in Chroma."""
        return [e.key for e in self.entities if e.key.collection is not None]

    @property
    def metadata(self) -> EntityKey:
        """Return the key of the first receipt's metadata item."""
        return self.entities[0].key


def new_name(kind: str) -> str:
    """Return a new name for a test receipt."""
    return f"{kind}-{ULID()}"


@contextmanager
def temporary_receipts(tools: Tools, receipts: Sequence[Receipt]) -> Iterator[Subject]:
    """Load test receipts with their vectors for a `with` block, and delete them at its end.

    After a signal this also deletes the items, but does not wait for the last portion.
    Raises NotVisibleError if their records do not leave the snapshot again.
    """
    subject = Subject([entity for receipt in receipts for entity in entities_of(receipt)])
    keys = [entity.key for entity in subject.entities]
    try:
        try:
            load(receipts, tools.writer, tools.sender, tools.embed, lambda *_: None)
            yield subject
        except KeyboardInterrupt:
            raise
        except BaseException:
            delete(tools.writer, tools.watcher, keys)
            raise
        delete(tools.writer, tools.watcher, keys)
    except KeyboardInterrupt:  # The interrupt can also arrive during the deletion.
        with uninterrupted():
            *first, last = batches(keys, PORTION)
            for some in first:
                delete(tools.writer, tools.watcher, some)
            tools.writer.delete(last)
        raise


def delete(
    writer: Table,
    watcher: Watcher,
    keys: Sequence[EntityKey],
    advance: Callable[[int], None] = lambda _: None,
) -> None:
    """Delete items in portions. Wait until a portion's records are gone before the next portion.

    The compactor refuses a cycle that would delete a large share of a collection (I5). A
    collection may hold nothing but test receipts. Raises NotVisibleError if records do not leave
    the snapshot.
    """
    for some in batches(keys, PORTION):
        writer.delete(some)
        records = [key for key in some if key.collection is not None]
        watcher.until(records, is_gone, "the deletion of the test receipts")
        advance(len(some))


class FittedSender:
    """Sends vectors after it has changed them to the dimension of their collection.

    So a probe also runs where the lines and the words come from different models.
    """

    def __init__(self, sender: Sender, dimensions: Mapping[Collection, int | None]) -> None:
        self._sender, self._dimensions = sender, dimensions

    def put(
        self,
        collection: Collection,
        keys: Sequence[EntityKey],
        vectors: Vectors,
        texts: Sequence[str],
    ) -> Delta:
        fitting = fit(vectors, self._dimensions.get(collection))
        return self._sender.put(collection, keys, fitting, texts)

    def send(self, deltas: Sequence[Delta]) -> None:
        self._sender.send(deltas)


def fit(vectors: Vectors, dimension: int | None) -> Vectors:
    """Return float32 vectors of a dimension. With None the collection takes any dimension."""
    if dimension is None or vectors.shape[1] == dimension:
        return vectors
    return np.resize(vectors, (len(vectors), dimension)).astype(np.float32)
