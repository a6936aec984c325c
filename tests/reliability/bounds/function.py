"""The compactor of the function on real Chroma, with the memory limit of its process."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from compactor.batch.compaction import Compactor
from compactor.batch.entries import QueueMessage
from compactor.batch.slices import SliceLimits
from compactor.cycle.cycle import Cycle
from compactor.cycle.delete_guard import DeleteGuard
from receipt_index.deltas import VectorBatch, encode
from receipt_index.exact_chroma import open_exact_chroma
from receipt_index.snapshot.copies.working_copy import CopySettings, WorkingCopy
from receipt_sync.clock import SystemClock
from receipt_sync.deadline import Deadline
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta, delta_key, to_body
from tests.reliability.bounds.outside import FolderDeltas, FolderStore
from tests.support.fakes.system import InMemorySystem

T = TypeVar("T")

SHARE: Final = 0.125
"""The default of SLICE_MEMORY_SHARE."""


class Function:
    """One worker. `outside` is on another disk than `disk`."""

    def __init__(self, outside: Path, disk: Path, memory: int) -> None:
        self.system = InMemorySystem()
        self.clock = SystemClock()
        self.deltas = FolderDeltas(outside / "deltas")
        self.limits = SliceLimits(int(SHARE * memory))
        self.copies = {c: self._copy(c, outside / c, disk / c) for c in Collection}
        self.compactor = Compactor(
            {collection: self._cycle(collection) for collection in Collection},
            self.deltas,
            self.system.dead_letters,
            self.clock,
            self.system.telemetry,
            self.limits,
        )

    def handle(self, *bodies: str, seconds: float = 600) -> dict[str, str]:
        """Handle a batch. Return the reasons of the returned messages by message id."""
        messages = [QueueMessage(str(number), body) for number, body in enumerate(bodies)]
        return self.compactor.handle(messages, Deadline(self.clock, seconds)).returned

    def delta(self, number: int, keys: list[EntityKey], dimension: int) -> str:
        """Store a delta of these keys, and return its message."""
        random = np.random.default_rng(number)
        vectors = random.standard_normal((len(keys), dimension), dtype=np.float32)
        ids = tuple(key.chroma_id for key in keys)
        delta_id, collection = f"{number:026d}", Collection.WORDS
        batch = VectorBatch(delta_id, ids, vectors, ("text",) * len(keys))
        self.deltas.put(delta_key(collection, delta_id), encode(batch))
        return to_body(Delta.of(collection, delta_id, len(keys)))

    def records(self) -> int:
        return self.copies[Collection.WORDS].checkout().count()

    def close(self) -> None:
        for copy in self.copies.values():
            copy.close()

    def _copy(self, collection: Collection, outside: Path, disk: Path) -> WorkingCopy:
        settings = CopySettings("worker", timedelta(days=1))
        store = FolderStore(outside)
        return WorkingCopy(store, collection, disk, open_exact_chroma, self.clock, settings)

    def _cycle(self, collection: Collection) -> Cycle:
        return Cycle(
            collection,
            self.system.lease(collection, "worker"),
            self.copies[collection],
            self.system.table,
            DeleteGuard(0.1, 1000),
            self.system.telemetry,
            self.limits.records,
        )


def words(count: int, receipt_id: int = 1) -> list[EntityKey]:
    """Return words of one receipt, ten in each line."""
    return [EntityKey("image", receipt_id, 1 + n // 10, 1 + n % 10) for n in range(count)]


def fill(system: InMemorySystem, keys: Iterable[EntityKey]) -> None:
    """Put words into the table as the pipeline writes them."""
    box = {"x": 1, "y": 2, "width": 3, "height": 4}
    for number, key in enumerate(keys):
        system.table.put(key, text=f"word{number}", confidence=1, bounding_box=box)


def chunks(items: list[T], size: int) -> Iterator[list[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
