"""The writer of a campaign. It publishes changes of every kind, and keeps their truth."""

from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from receipt_index.exact_chroma import open_exact_chroma
from receipt_index.records import NewVector
from receipt_index.snapshot.copies import working_copy
from receipt_index.snapshot.copies.working_copy import CopySettings, WorkingCopy
from receipt_sync.clock import SystemClock
from receipt_sync.keys import Collection
from tests.reliability.crashes.readers.store import FolderStore

DIMENSION: Final = 16
_RECORDS: Final = 1_100
"""More than Chroma's sync_threshold, so that the vector index has its own files."""
_PACKS: Final = 7
"""Number of packs that cause a new base, so that every campaign has one."""


class Truth(NamedTuple):
    """A record as it was published."""

    vector: NDArray[np.float32]
    metadata: dict[str, Any]
    document: str


class Published:
    """A store below `root`, its only writer, and the truth of the current version."""

    def __init__(self, root: Path, seed: int) -> None:
        self.store = root / "store"
        self.store.mkdir(parents=True)
        self.version = 0
        self.records: dict[str, Truth] = {}
        self._randomness, self._numbers = Random(seed), np.random.default_rng(seed)
        self._copy = WorkingCopy(
            FolderStore(self.store),
            Collection.LINES,
            root / "writer",
            open_exact_chroma,
            SystemClock(),
            CopySettings("writer", timedelta(days=1)),
        )
        self._next = 0
        self._publish(lambda index: self._insert(index, _RECORDS))

    def change(self) -> None:
        """Publish a random kind of change."""
        kinds = (self._update, self._update, self._replace, self._insert, self._delete, _nothing)
        self._publish(self._randomness.choice(kinds))

    def touch(self) -> None:
        """Publish a change of one record's metadata. No file of the vector index changes."""
        self._publish(lambda index: self._update(index, 1))

    def close(self) -> None:
        self._copy.close()

    def _publish(self, write: Any) -> None:
        index = self._copy.checkout()
        self._copy.mark_dirty()
        write(index)
        with patch.object(working_copy, "MAX_PACKS", _PACKS):
            self.version = self._copy.publish(len(self.records)).version

    def _insert(self, index: Any, count: int = 25) -> None:
        new = [self._new(f"i{number}") for number in range(self._next, self._next + count)]
        self._next += count
        index.insert(new)

    def _replace(self, index: Any) -> None:
        """Replace some vectors, and sometimes all of them."""
        share = self._randomness.choice((0.02, 0.1, 1.0))
        index.replace_vectors([self._new(i) for i in self._some(round(share * len(self.records)))])

    def _update(self, index: Any, count: int = 40) -> None:
        changed = {}
        for chroma_id in self._some(count):
            changed[chroma_id] = {"x": self._randomness.randrange(1_000)}
            held = self.records[chroma_id]
            metadata = {**held.metadata, **changed[chroma_id]}
            self.records[chroma_id] = held._replace(metadata=metadata)
        index.update(changed)

    def _delete(self, index: Any) -> None:
        gone = self._some(15)
        for chroma_id in gone:
            del self.records[chroma_id]
        index.delete(gone)

    def _some(self, count: int) -> list[str]:
        return self._randomness.sample(sorted(self.records), count)

    def _new(self, chroma_id: str) -> NewVector:
        vector = self._numbers.standard_normal(DIMENSION, dtype=np.float32)
        number = self._randomness.randrange(1_000)
        held = self.records.get(chroma_id)
        metadata = {**(held.metadata if held else {}), "n": number}
        self.records[chroma_id] = Truth(vector, metadata, f"text {number}")
        return NewVector(chroma_id, vector, f"text {number}", {"n": number})


def _nothing(_: Any) -> None:
    """Change nothing. A cycle without changes also publishes."""
