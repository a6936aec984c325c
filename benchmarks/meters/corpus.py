"""Synthetic lines and words as the table and Chroma hold them. They are the same in every run."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

import numpy as np

from compactor.cycle.projection import ALL, Item, project
from receipt_index.deltas import Vectors
from receipt_index.records import DELTA_ID, Metadata, NewVector
from receipt_ops.loading.items import Entity, embedded, entities_of
from receipt_ops.loading.synthetic import synthetic_receipts
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.sequences import batches

COLLECTION: Final = Collection.WORDS
VECTORS_A_BATCH: Final = 1_000
_SEED: Final = 4
_WORDS_A_RECEIPT: Final = 40  # fewer than the average receipt has
_DELTA_ID: Final = "01J00000000000000000000000"
_SAMPLED: Final = 200


@dataclass(frozen=True)
class Corpus:
    """Lines and words as entities, with the metadata of their receipts."""

    members: Mapping[Collection, tuple[Entity, ...]]
    receipts: tuple[Entity, ...]
    dimension: int

    @property
    def words(self) -> tuple[Entity, ...]:
        """All words."""
        return self.members[Collection.WORDS]

    @property
    def entities(self) -> tuple[Entity, ...]:
        """Everything that the table holds."""
        return (*self.receipts, *(e for members in self.members.values() for e in members))

    def records(self, collection: Collection) -> Iterator[list[NewVector]]:
        """Yield the records of one collection in Chroma, in batches."""
        items = self._items()
        for number, members in enumerate(batches(self.members[collection], VECTORS_A_BATCH)):
            seed = [_SEED, number, *([1] if collection is Collection.LINES else [])]
            vectors = _vectors(seed, len(members), self.dimension)
            yield [
                NewVector(e.key.chroma_id, vector, e.text, _metadata(e, items))
                for e, vector in zip(members, vectors, strict=True)
            ]

    def digest(self, collection: Collection) -> str:
        """Return a digest of the first records. It differs if this code makes other records."""
        items = self._items()
        content = [
            (e.key.chroma_id, e.text, _metadata(e, items))
            for e in self.members[collection][:_SAMPLED]
        ]
        return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()[:12]

    def _items(self) -> dict[EntityKey, Item | None]:
        return {entity.key: entity.fields for entity in self.entities}


def corpus_of(
    size: int, dimension: int, collections: Sequence[Collection] = (COLLECTION,)
) -> Corpus:
    """Return a corpus of `size` words, and of the lines of their receipts if asked for."""
    members: dict[Collection, list[Entity]] = {collection: [] for collection in collections}
    receipts: list[Entity] = []
    count = max(3, 1 + size // _WORDS_A_RECEIPT)
    for receipt in synthetic_receipts(count, Random(_SEED)):
        if len(members[Collection.WORDS]) >= size:
            break
        metadata, *others = entities_of(receipt)
        receipts.append(metadata)
        for entity in others:
            if entity.key.collection in members:
                members[entity.key.collection].append(embedded(entity))
    del members[Collection.WORDS][size:]
    whole = {collection: tuple(entities) for collection, entities in members.items()}
    return Corpus(whole, tuple(receipts), dimension)


def _metadata(entity: Entity, items: dict[EntityKey, Item | None]) -> Metadata:
    return project(entity.key, items, ALL, entity.text) | {DELTA_ID: _DELTA_ID}


def _vectors(seed: list[int], count: int, dimension: int) -> Vectors:
    numbers = np.random.default_rng(seed).standard_normal((count, dimension))
    return numbers.astype(np.float32)


def scattered(entities: Sequence[Entity], count: int, randomness: Random) -> list[int]:
    """Return the positions of `count` random entities."""
    return sorted(randomness.sample(range(len(entities)), count))
