"""A reader of a real Chroma collection that starts on the folder of a killed reader."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from receipt_index.exact.index import ExactIndex
from receipt_index.exact_chroma import open_exact_chroma
from receipt_index.records import NewVector
from receipt_index.snapshot.copies import mtime_marks
from receipt_index.snapshot.copies.working_copy import CopySettings, WorkingCopy
from receipt_index.snapshot.reading.reader import SnapshotReader
from receipt_sync.clock import SystemClock
from receipt_sync.keys import Collection
from tests.reliability.crashes.readers.decoder import Version
from tests.reliability.crashes.readers.nearest import is_found
from tests.reliability.crashes.readers.plain import Plain, beside
from tests.reliability.crashes.searching import searched
from tests.support.fakes.snapshots import InMemorySnapshotStore

RECORDS = 1_200
"""More than Chroma's sync_threshold, so that Chroma persists the vector index in files."""
DIMENSION = 64
PACK_LIMIT = 12_000
"""Bytes that one changed record may cost. Its pack has 6 to 7.5 kB for 1,200 to 50,000 records."""


class Published:
    """A store in which all records are replaced at times, and readers of new processes."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.store, self._patch = root, InMemorySnapshotStore(), monkeypatch
        self._writer = WorkingCopy(
            self.store,
            Collection.LINES,
            root / "writer",
            open_exact_chroma,
            SystemClock(),
            CopySettings("writer", timedelta(days=1)),
        )

    def publish(self, write: Callable[[ExactIndex], None]) -> None:
        index = self._writer.checkout()
        assert isinstance(index, ExactIndex)
        self._writer.mark_dirty()
        write(index)
        self._writer.publish(index.count())

    def process(self) -> SnapshotReader:
        """Return the reader of a new process, which has no mtime marks."""
        self._patch.setattr(mtime_marks, "_marks", count(mtime_marks._FIRST_S, mtime_marks._STEP_S))
        return SnapshotReader(self.store, Collection.LINES, self.root / "reader")

    def plainly(self) -> AbstractContextManager[Plain]:
        """Open plain chromadb beside the reader, on a copy of the published version."""
        assert self.store.data is not None
        version = Version(self.store.data, self.store.objects.__getitem__)
        return beside(self.root / "reader", version, Collection.LINES.value)

    def fetched(self) -> int:
        """Return the bytes of the objects that were fetched since the last call."""
        names = list(self.store.reads)
        self.store.reads.clear()
        return sum(len(self.store.objects[name]) for name in names)


def vectors(seed: int, records: int = RECORDS, dimension: int = DIMENSION) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((records, dimension), dtype=np.float32)


def new(given: NDArray[np.float32]) -> list[NewVector]:
    return [NewVector(f"i{k}", vector, f"text {k}", {"n": k}) for k, vector in enumerate(given)]


def kill(reader: SnapshotReader) -> None:
    """End the reader as a killed process ends: no file is removed, and the folder's lock is free.

    Chroma keeps open folders by their path, so the index must be closed as a process's end does.
    """
    assert reader._serving is not None
    reader._serving.index.close()
    place = getattr(reader, "_place", None)
    if place is not None:  # an earlier version had no lock
        os.close(place.slot._descriptor)


def test_a_restarted_reader_finds_every_record_by_its_published_vector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Defects `reader_restart_sigterm`, `reader_restart_kill`: searches found 0 of 120."""
    published = Published(tmp_path, monkeypatch)
    published.publish(lambda index: index.insert(new(vectors(1))))
    first = published.process()
    first.refresh()
    published.publish(lambda index: index.update({"i0": {"x": 1}}))
    first.refresh()
    kill(first)
    for seed in (2, 3):
        published.publish(partial(ExactIndex.replace_vectors, records=new(vectors(seed))))
    second = published.process()
    second.refresh()
    published.publish(lambda index: index.update({"i0": {"x": 2}}))
    second.refresh()
    expected = vectors(3)
    wanted = {f"i{k}": expected[k] for k in range(0, RECORDS, 10)}
    found = searched(second, wanted, published.plainly)
    assert found.faults == []
    not_found = [each for each, hit in found.hits.items() if not is_found(each, hit)]
    assert not_found == found.graph_misses
    assert len(not_found) <= len(wanted) // 10
    stored = second.vectors([f"i{k}" for k in range(RECORDS)])
    for k, vector in enumerate(expected):
        np.testing.assert_allclose(
            stored[f"i{k}"] / np.linalg.norm(stored[f"i{k}"]),
            vector / np.linalg.norm(vector),
            atol=1e-5,
        )
    second.close()


@pytest.mark.parametrize(
    ("records", "dimension"), [(5_000, 2), pytest.param(50_000, 2, marks=pytest.mark.long)]
)
def test_a_warm_restart_fetches_the_changed_bytes_and_the_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, records: int, dimension: int
) -> None:
    """Fetch nothing if the version is the same, and otherwise the packs."""
    published = Published(tmp_path, monkeypatch)
    published.publish(lambda index: index.insert(new(vectors(1, records, dimension))))
    first = published.process()
    first.refresh()
    published.publish(lambda index: index.update({"i0": {"x": 1}}))
    first.refresh()
    kill(first)
    published.fetched()
    second = published.process()
    assert second.refresh()
    assert (second.version, second.count(), published.fetched()) == (2, records, 0)
    kill(second)
    published.publish(lambda index: index.update({"i1": {"x": 1}}))
    pack = len(next(reversed(published.store.objects.values())))
    third = published.process()
    assert third.refresh()
    assert third.get(["i1"])["i1"].metadata["x"] == 1
    assert published.fetched() == pack < PACK_LIMIT
    third.close()
