"""Watches published snapshots until writes are visible."""

import time
from collections import defaultdict
from collections.abc import Iterable

from benchmarks.meters.steady_writes import Write
from receipt_index.readers import Readers
from receipt_sync.keys import Collection


class Watch:
    """Keeps the writes that are not visible yet, and the freshness of the others."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self._pending: dict[Collection, dict[str, list[Write]]] = {c: {} for c in readers}
        self.freshness: list[tuple[float, float]] = []
        """When each write began, and the seconds until a reader saw it or a later write."""

    @property
    def pending(self) -> int:
        """The number of writes that are not visible yet."""
        return sum(len(writes) for ids in self._pending.values() for writes in ids.values())

    def expect(self, writes: Iterable[Write]) -> None:
        """Add writes, the oldest first."""
        for write in writes:
            collection = write.key.collection
            if collection is not None:
                self._pending[collection].setdefault(write.key.chroma_id, []).append(write)

    def check(self) -> None:
        """Read the published snapshots, and settle the writes that are visible in them."""
        for collection, reader in self._readers.items():
            reader.refresh()
            pending = self._pending[collection]
            found = reader.get(list(pending))
            now = time.time()
            seen: dict[str, float] = defaultdict(float)
            for chroma_id, record in found.items():
                seen[chroma_id] = float(record.metadata["confidence"])
            self._settle(pending, seen, now)

    def _settle(self, pending: dict[str, list[Write]], seen: dict[str, float], now: float) -> None:
        for chroma_id, value in seen.items():
            values = [write.value for write in pending[chroma_id]]
            if value not in values:
                continue
            done = values.index(value) + 1
            self.freshness += [(w.begun, now - w.begun) for w in pending[chroma_id][:done]]
            pending[chroma_id] = pending[chroma_id][done:]
            if not pending[chroma_id]:
                del pending[chroma_id]
