"""A published collection of receipts with their vectors, and the truth about searches in it."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np

from benchmarks.meters.folder_store import FolderStore
from compactor.cycle.projection import ALL, Item, project
from receipt_index.deltas import Vectors
from receipt_index.exact_chroma import open_exact_chroma
from receipt_index.records import DELTA_ID, NewVector
from receipt_index.snapshot.copies.working_copy import CopySettings, WorkingCopy
from receipt_ops.loading.embedding import embed
from receipt_ops.loading.items import Entity, embedded, entities_of
from receipt_ops.loading.receipts import Receipt
from receipt_ops.loading.synthetic import synthetic_receipts
from receipt_sync.clock import SystemClock
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.sequences import batches

NEIGHBOURS: Final = 10
MERCHANT: Final = "merchant_name"
SAME: Final = 1e-5
"""The difference of two cosines that rounding can cause in single precision, with a margin."""
_DELTA_ID: Final = "01J00000000000000000000000"
_RECORDS_A_CALL: Final = 1_000
_SEED, _OTHER_SEED = 15, 16


@dataclass(frozen=True)
class Searched:
    """The records of one collection, in the order of the rows of `vectors`."""

    collection: Collection
    records: Sequence[NewVector]

    @cached_property
    def vectors(self) -> Vectors:
        """All vectors, each of length 1, one a row."""
        return np.stack([record.vector for record in self.records])

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each record."""
        return {record.id: row for row, record in enumerate(self.records)}

    @cached_property
    def merchants(self) -> np.ndarray[Any, Any]:
        """The merchant of each row."""
        return np.array([str(record.metadata.get(MERCHANT)) for record in self.records])

    @cached_property
    def largest_merchant(self) -> str:
        """The merchant with the most records."""
        names, counts = np.unique(self.merchants, return_counts=True)
        return str(names[counts.argmax()])

    def distinct_vectors(self, count: int) -> Vectors:
        """Return `count` of the distinct vectors at random, or all of them."""
        distinct = np.unique(self.vectors, axis=0)
        chosen = Random(_SEED).sample(range(len(distinct)), min(count, len(distinct)))
        return distinct[chosen]

    def recall(self, query: Vectors, answer: Sequence[str], merchant: str | None) -> float:
        """Return the share of the ten nearest records that an answer has.

        Records that are as near as the tenth are equally right.
        """
        allowed = np.arange(len(self.records))
        if merchant is not None:
            allowed = np.flatnonzero(self.merchants == merchant)
        cosines = self.vectors[allowed] @ query
        wanted = min(NEIGHBOURS, len(allowed))
        least = np.partition(cosines, len(cosines) - wanted)[len(cosines) - wanted] - SAME
        rows = {self.rows[i] for i in answer}
        near = sum(
            float(self.vectors[row] @ query) >= least
            and (merchant is None or self.merchants[row] == merchant)
            for row in rows
        )
        return float(min(near, wanted) / wanted)

    def is_missed(self, query: Vectors, answer: Sequence[str]) -> bool:
        """Return whether no record of an answer has the vector of the query."""
        return not any(float(self.vectors[self.rows[i]] @ query) >= 1 - SAME for i in answer)


def searched_of(receipts: Sequence[Receipt], collection: Collection) -> Searched:
    """Return the records that the compactor would make of receipts and their vectors."""
    entities = [embedded(e) for receipt in receipts for e in entities_of(receipt)]
    items: dict[EntityKey, Item | None] = {e.key: e.fields for e in entities}
    members = [e for e in entities if e.key.collection is collection]
    vectors = embed([e.text for e in members])
    return Searched(
        collection,
        [_record(e, vector, items) for e, vector in zip(members, vectors, strict=True)],
    )


def unseen_vectors(searched: Searched, count: int) -> Vectors:
    """Return vectors of texts that no record of the collection has."""
    known: set[str | None] = {record.document for record in searched.records}
    return embed(list(_other_texts(searched.collection, known, count)))


def build(
    searched: Searched, root: Path, advance: Callable[[int], None]
) -> tuple[FolderStore, float]:
    """Publish the records as the compactor does. Return the store, and the seconds."""
    store = FolderStore(root / "objects")
    settings = CopySettings("benchmarks", timedelta(days=1))
    copy = WorkingCopy(
        store, searched.collection, root / "copy", open_exact_chroma, SystemClock(), settings
    )
    begun = time.perf_counter()
    index = copy.checkout()
    copy.mark_dirty()
    for some in batches(searched.records, _RECORDS_A_CALL):
        index.insert(some)
        advance(len(some))
    copy.publish(index.count())
    seconds = time.perf_counter() - begun
    copy.close()
    return store, seconds


def _record(entity: Entity, vector: Vectors, items: dict[EntityKey, Item | None]) -> NewVector:
    metadata = project(entity.key, items, ALL, entity.text) | {DELTA_ID: _DELTA_ID}
    return NewVector(entity.key.chroma_id, vector, entity.text, metadata)


def _other_texts(collection: Collection, known: set[str | None], count: int) -> Iterator[str]:
    found: set[str] = set()
    for receipt in synthetic_receipts(1_000_000, Random(_OTHER_SEED)):
        for entity in entities_of(receipt):
            if entity.key.collection is not collection:
                continue
            # A number behind the text makes it one that no receipt has.
            text = f"{entity.text} {len(found)}"
            if text not in known and text not in found:
                found.add(text)
                yield text
                if len(found) == count:
                    return
