"""A receipt of our own that is loaded, changed, and deleted again, and nobody else's touched."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np

from compactor.index import batches
from operations.connection import Connection
from operations.deltas import DeltaSender
from operations.dimensions import dimension_of_one
from operations.embedding import Embed, Vectors, embed
from operations.items import Entity, entities_of
from operations.loading import Sender, load
from operations.readers import Readers
from operations.receipts import Receipt
from operations.signals import uninterrupted
from operations.table_writer import TableWriter
from operations.trials.editing import TableEditor
from operations.trials.watching import Watcher, is_gone
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta

PORTION: Final = 500
"""Items deleted at once: fewer than a cycle may delete of any collection."""


@dataclass(frozen=True)
class Tools:
    """What a trial works with."""

    writer: TableWriter
    sender: Sender
    editor: TableEditor
    watcher: Watcher
    embed: Embed

    @classmethod
    def of(
        cls,
        connection: Connection,
        readers: Readers,
        watcher: Watcher,
        writer: TableWriter,
        sender: DeltaSender,
    ) -> "Tools":
        editor = TableEditor(connection.dynamodb, connection.names.table)
        dimensions = {name: dimension_of_one(reader) for name, reader in readers.items()}
        return cls(writer, FittedSender(sender, dimensions), editor, watcher, embed)


@dataclass(frozen=True)
class Subject:
    """The entities of the receipts under trial."""

    entities: Sequence[Entity]

    @property
    def records(self) -> list[EntityKey]:
        """Keys of those that have a record in Chroma."""
        return [e.key for e in self.entities if e.key.collection is not None]

    @property
    def metadata(self) -> EntityKey:
        """Of the first receipt."""
        return self.entities[0].key


@contextmanager
def on_trial(tools: Tools, receipts: Sequence[Receipt]) -> Iterator[Subject]:
    """Receipts that are in the table, their vectors sent, for the block; deleted at its end.

    After a signal the items are deleted as well. The last portion is then not waited for.
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
    except KeyboardInterrupt:  # also one that came while the items were being deleted
        with uninterrupted():
            *first, last = batches(keys, PORTION)
            for some in first:
                delete(tools.writer, tools.watcher, some)
            tools.writer.delete(last)
        raise


def delete(
    writer: TableWriter,
    watcher: Watcher,
    keys: Sequence[EntityKey],
    advance: Callable[[int], None] = lambda _: None,
) -> None:
    """Delete items, some at a time, each portion's records gone before the next.

    A cycle that would delete much of a collection is refused (I5), and test receipts may be all
    that there is in it. Raises NotVisibleError if records do not leave the snapshot.
    """
    for some in batches(keys, PORTION):
        writer.delete(some)
        records = [key for key in some if key.collection is not None]
        watcher.until(records, is_gone, "the deletion of the test receipts")
        advance(len(some))


class FittedSender:
    """Sender of vectors that have the dimension of the collection that they go to.

    So a trial is taken wherever it runs, also where lines and words come from different models.
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
    """Return float32 vectors of a dimension; None is a collection that takes any."""
    if dimension is None or vectors.shape[1] == dimension:
        return vectors
    return np.resize(vectors, (len(vectors), dimension)).astype(np.float32)
