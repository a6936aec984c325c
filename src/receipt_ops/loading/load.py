"""The load of receipts: items, then vectors, and only then embedding_status SUCCESS.

In that order, a killed load leaves pending entities, and never an entity with SUCCESS whose vector
was not sent. Ctrl-C and SIGTERM take effect between two portions, so they leave no pending entity.
A second load completes the first, because the same receipts make the same keys. A load replaces
whole items, so it loses changes that another process makes to a receipt meanwhile.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Final, Protocol

from receipt_index.deltas import Vectors
from receipt_ops.loading.embed import Embed
from receipt_ops.loading.items import Entity, embedded, entities_of
from receipt_ops.loading.receipts import Receipt
from receipt_ops.terminal.signals import Uninterrupted
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta
from receipt_sync.sequences import batches

VECTORS_A_DELTA: Final = 1_000


class Writer(Protocol):
    """A table that takes items."""

    def put(self, entities: Sequence[Entity]) -> None: ...


class Sender(Protocol):
    """A sender of vectors."""

    def put(
        self,
        collection: Collection,
        keys: Sequence[EntityKey],
        vectors: Vectors,
        texts: Sequence[str],
    ) -> Delta: ...

    def send(self, deltas: Sequence[Delta]) -> None: ...


class Stage(StrEnum):
    """Names the counts of a running load. The value is the text of the progress bar."""

    ITEMS = "items written"
    VECTORS = "vectors sent"
    STATUSES = "marked SUCCESS"


Advance = Callable[[Stage, int], None]


@dataclass
class LoadReport:
    """Counts what a load has written, or would write."""

    receipts: int = 0
    lines: int = 0
    words: int = 0
    deltas: int = 0

    @property
    def vectors(self) -> int:
        return self.lines + self.words

    @property
    def items(self) -> int:
        return self.receipts + self.vectors


def survey(receipts: Iterable[Receipt]) -> LoadReport:
    """Return what a load would write.

    The function reads all receipts, so it finds every fault of the file before the first write.
    """
    report = LoadReport()
    for receipt in receipts:
        report.receipts += 1
        report.lines += len(receipt.lines)
        report.words += sum(len(line.words()) for line in receipt.lines)
    return report


def load(
    receipts: Iterable[Receipt],
    writer: Writer,
    sender: Sender,
    embed: Embed,
    advance: Advance,
    portion: Uninterrupted = nullcontext,
) -> LoadReport:
    """Load receipts in portions, so that the memory does not grow with their number.

    `portion` makes a context for writes that a signal must not separate.
    """
    report = LoadReport()
    for some in _chunks(receipts):
        entities = list(chain.from_iterable(entities_of(receipt) for receipt in some))
        vectored = [entity for entity in entities if entity.key.collection is not None]
        with portion():
            writer.put(entities)
            advance(Stage.ITEMS, len(entities))
            report.deltas += _send_vectors(vectored, sender, embed)
            advance(Stage.VECTORS, len(vectored))
            writer.put([embedded(entity) for entity in vectored])
            advance(Stage.STATUSES, len(vectored))
        _count(report, some, vectored)
    return report


def _chunks(receipts: Iterable[Receipt]) -> Iterator[list[Receipt]]:
    """Yield groups of receipts whose words fill about one delta."""
    chunk: list[Receipt] = []
    words = 0
    for receipt in receipts:
        chunk.append(receipt)
        words += sum(len(line.words()) for line in receipt.lines)
        if words >= VECTORS_A_DELTA:
            yield chunk
            chunk, words = [], 0
    if chunk:
        yield chunk


def _send_vectors(entities: Sequence[Entity], sender: Sender, embed: Embed) -> int:
    """Store and send the vectors of lines and words, and return the number of deltas."""
    deltas = []
    for collection in Collection:
        members = [entity for entity in entities if entity.key.collection is collection]
        for some in batches(members, VECTORS_A_DELTA):
            texts = [entity.text for entity in some]
            keys = [entity.key for entity in some]
            deltas.append(sender.put(collection, keys, embed(texts), texts))
    sender.send(deltas)
    return len(deltas)


def _count(report: LoadReport, receipts: Sequence[Receipt], vectored: Sequence[Entity]) -> None:
    lines = sum(entity.key.collection is Collection.LINES for entity in vectored)
    report.receipts += len(receipts)
    report.lines += lines
    report.words += len(vectored) - lines
