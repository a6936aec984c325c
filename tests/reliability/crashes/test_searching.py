"""A reader of real Chroma, whose graph misses records, is compared with plain chromadb."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from receipt_index.chroma import ChromaIndex
from receipt_index.records import NewVector
from receipt_index.snapshot.copies.working_copy import CopySettings, WorkingCopy
from receipt_index.snapshot.reading.reader import SnapshotReader
from receipt_sync.clock import SystemClock
from receipt_sync.keys import Collection
from tests.reliability.crashes.readers.decoder import Version
from tests.reliability.crashes.readers.plain import beside, open_folder
from tests.reliability.crashes.readers.store import FolderStore
from tests.reliability.crashes.searching import Searches, searched

LINES = Collection.LINES
DIMENSION = 16
GROUPS, ALIKE, SINGLE = 5, 300, 300
"""Groups of records with one vector each keep the search away from most of the single records."""


class System:
    """A published version, and a reader that has followed it."""

    def __init__(self, folder: Path, records: list[NewVector]) -> None:
        self.store, self.root = folder / "store", folder / "reader"
        self.store.mkdir()
        store, settings = FolderStore(self.store), CopySettings("writer", timedelta(days=1))
        self._copy = WorkingCopy(
            store, LINES, folder / "writer", ChromaIndex, SystemClock(), settings
        )
        index = self._copy.checkout()
        self._copy.mark_dirty()
        index.insert(records)
        self._copy.publish(len(records))
        self.reader = SnapshotReader(store, LINES, self.root)
        self.reader.refresh()
        self.wanted = {each.id: each.vector for each in records[-SINGLE:]}

    def searched(self) -> Searches:
        plainly = partial(beside, self.root, Version.below(self.store), LINES.value)
        return searched(self.reader, self.wanted, plainly)

    def close(self) -> None:
        self.reader.close()
        self._copy.close()


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    count = GROUPS + SINGLE
    vectors = np.random.default_rng(1).standard_normal((count, DIMENSION), dtype=np.float32)
    rows = [row for row in range(GROUPS) for _ in range(ALIKE)] + list(range(GROUPS, count))
    made = System(
        tmp_path, [NewVector(f"i{n}", vectors[row], "text", {"n": n}) for n, row in enumerate(rows)]
    )
    yield made
    made.close()


def leave_out(monkeypatch: pytest.MonkeyPatch, chroma_id: str) -> None:
    """Plant a reader whose search leaves out a record."""
    search = SnapshotReader.search

    def other(self: SnapshotReader, vector: Any, limit: int) -> Any:
        hits = search(self, vector, 1 + limit)
        return [hit for hit in hits if hit.record.id != chroma_id][:limit]

    monkeypatch.setattr(SnapshotReader, "search", other)


def test_a_miss_of_the_real_graph_is_counted_and_no_fault(system: System) -> None:
    found = system.searched()
    assert found.faults == []
    assert 0 < len(found.graph_misses) < SINGLE


def test_a_reader_that_leaves_out_what_plain_chromadb_finds_is_seen(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    missed = set(system.searched().graph_misses)
    left_out = next(each for each in system.wanted if each not in missed)
    leave_out(monkeypatch, left_out)
    found = system.searched()
    what = f"a search for the vector of {left_out} finds nothing at distance 0"
    assert f"{what}, and plain chromadb does" in found.faults
    assert left_out not in found.graph_misses


def test_a_graph_with_another_file_than_was_published_is_seen(system: System) -> None:
    (links,) = open_folder(system.root).rglob("link_lists.bin")
    content = links.read_bytes()
    links.write_bytes(content[:-1] + bytes([content[-1] ^ 1]) if content else b"x")
    assert any("link_lists.bin is not as published" in fault for fault in system.searched().faults)
