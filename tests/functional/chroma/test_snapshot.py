"""Working copies and readers of real Chroma collections, objects in memory."""

import struct
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from receipt_index.exact_chroma import open_exact_chroma
from receipt_index.records import NewVector
from receipt_index.snapshot.copies import rebuilding
from receipt_index.snapshot.copies import working_copy as module
from receipt_index.snapshot.copies.working_copy import CopySettings, WorkingCopy
from receipt_index.snapshot.format.manifest import read_manifest
from receipt_index.snapshot.format.pages import list_files
from receipt_index.snapshot.reading.reader import NothingPublishedError, SnapshotReader
from receipt_index.snapshot.reading.turns import DAMAGE_KEPT_FOR
from receipt_ops.snapshots.manifests import published
from receipt_sync.clock import SystemClock
from receipt_sync.errors import SnapshotDamagedError
from receipt_sync.keys import Collection
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.snapshots import InMemorySnapshotStore

DIMENSION = 64


class Setting:
    def __init__(self, root: Path) -> None:
        self.root, self.store, self.clock = root, InMemorySnapshotStore(), ManualClock()

    def copy(self, writer: str) -> WorkingCopy:
        settings = CopySettings(writer, timedelta(hours=1))
        folder = self.root / writer
        return WorkingCopy(
            self.store, Collection.LINES, folder, open_exact_chroma, SystemClock(), settings
        )

    def reader(self) -> SnapshotReader:
        return SnapshotReader(self.store, Collection.LINES, self.root / "reader", self.clock)


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path)


def insert(copy: WorkingCopy, start: int, stop: int) -> None:
    index = copy.checkout()
    copy.mark_dirty()
    index.insert(
        [NewVector(f"id-{n}", vector(n), f"text {n}", {"n": n}) for n in range(start, stop)]
    )
    copy.publish(index.count())


def vector(number: int) -> np.ndarray:
    return np.random.default_rng(number).random(DIMENSION, dtype=np.float32) - 0.5


def test_two_workers_in_turn_past_the_persist_of_the_index_lose_no_vector(setting: Setting) -> None:
    """2,400 records pass Chroma's sync_threshold of 1,000 twice, so all of its files change."""
    workers = [setting.copy("one"), setting.copy("two")]
    for turn in range(6):
        insert(workers[turn % 2], turn * 400, (turn + 1) * 400)
    with setting.reader() as reader:
        assert reader.refresh()
        assert reader.count() == 2400
        for number in range(0, 2400, 97):
            (match,) = reader.search(vector(number), 1)
            assert match.record.id == f"id-{number}"
        assert len(reader.vectors([f"id-{n}" for n in range(2400)])) == 2400


def test_a_cold_worker_gets_the_bytes_that_were_published(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PACKS", 3)
    one = setting.copy("one")
    for turn in range(5):
        insert(one, turn * 300, (turn + 1) * 300)
    setting.copy("cold").checkout()
    mirrors = [setting.root / name / "mirror" for name in ("one", "cold")]
    one_files, cold_files = ({n: p.read_bytes() for n, p in list_files(m).items()} for m in mirrors)
    assert one_files == cold_files


def test_a_reader_sees_one_version_or_the_next_and_keeps_the_good_one(setting: Setting) -> None:
    copy = setting.copy("one")
    with setting.reader() as reader:
        with pytest.raises(NothingPublishedError):
            reader.count()
        insert(copy, 0, 10)
        assert reader.refresh()
        assert not reader.refresh()
        insert(copy, 10, 20)
        good = dict(setting.store.objects)
        setting.store.objects.clear()
        with pytest.raises(SnapshotDamagedError):
            reader.refresh()
        assert (reader.count(), reader.version) == (10, 1)
        setting.store.objects = good
        setting.clock.advance(DAMAGE_KEPT_FOR)
        assert reader.refresh()
        assert reader.count() == 20


def test_searching_a_reader_does_not_disturb_its_next_refresh(setting: Setting) -> None:
    copy = setting.copy("one")
    with setting.reader() as reader:
        for turn in range(4):
            insert(copy, turn * 50, (turn + 1) * 50)
            reader.refresh()
            reader.search(vector(1), 3, {"n": {"$lt": 10}})
            assert reader.count() == (turn + 1) * 50


def test_the_snapshots_figures_show_elements_that_stay_in_the_graph_after_their_records(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Return the number of elements, which is the third 64-bit number of hnswlib's header.

    Without a rebuild, the index keeps all of them.
    """
    monkeypatch.setattr(rebuilding, "is_due", lambda *_: False)
    copy = setting.copy("one")
    insert(copy, 0, 1500)
    for turn in range(1, 4):  # other records replace all records, three times
        index = copy.checkout()
        copy.mark_dirty()
        index.delete([f"id-{n}" for n in range((turn - 1) * 1500, turn * 1500)])
        numbers = range(turn * 1500, (turn + 1) * 1500)
        index.insert([NewVector(f"id-{n}", vector(n), f"text {n}", {"n": n}) for n in numbers])
        copy.publish(index.count())
    assert setting.store.data is not None
    manifest = read_manifest(setting.store.data, Collection.LINES)
    header = next((setting.root / "one" / "working").rglob("header.bin")).read_bytes()
    (counted,) = struct.unpack_from("<Q", header, 20)
    assert manifest.elements == counted
    assert counted > 3 * manifest.record_count
    with setting.reader() as reader:
        assert reader.elements == 0
        reader.refresh()
        assert (reader.elements, reader.count()) == (counted, 1500)
    figures = published(setting.store.data, Collection.LINES)
    assert figures is not None
    assert figures.to_json()["elements"] == counted
