"""Automatic rebuilds of real Chroma collections, objects in memory."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from receipt_index.exact_chroma import open_exact_chroma
from receipt_index.records import NewVector
from receipt_index.snapshot.copies.working_copy import CopySettings, Published, WorkingCopy
from receipt_index.snapshot.format.manifest import Manifest, read_manifest
from receipt_index.snapshot.format.pages import list_files
from receipt_index.snapshot.reading.reader import SnapshotReader
from receipt_sync.clock import SystemClock
from receipt_sync.keys import Collection
from tests.support.fakes.snapshots import InMemorySnapshotStore

DIMENSION = 256


class Setting:
    def __init__(self, root: Path) -> None:
        self.root, self.store = root, InMemorySnapshotStore()

    def copy(self, writer: str) -> WorkingCopy:
        return WorkingCopy(
            self.store,
            Collection.LINES,
            self.root / writer,
            open_exact_chroma,
            SystemClock(),
            CopySettings(writer, timedelta(hours=1)),
        )

    def manifest(self) -> Manifest:
        assert self.store.data is not None
        return read_manifest(self.store.data, Collection.LINES)


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path)


def record(number: int, turn: int) -> NewVector:
    generator = np.random.default_rng((number, turn))
    metadata = {"n": number, "confidence": float(generator.random()) * 7, "is_noise": number == 1}
    vector = generator.standard_normal(DIMENSION).astype(np.float32)
    return NewVector(f"id-{number:06d}", vector, f"text {number}", dict(metadata))


def added_again(copy: WorkingCopy, numbers: Sequence[int], turn: int) -> Published:
    """Delete the records, add them with other vectors, and publish."""
    index = copy.checkout()
    copy.mark_dirty()
    if turn:
        index.delete([record(n, turn).id for n in numbers])
    index.insert([record(n, turn) for n in numbers])
    return copy.publish(index.count())


def size(manifest: Manifest) -> int:
    return sum(manifest.files.values())


def size_of_fresh(root: Path, records: int) -> int:
    """Return the size of a new index whose whole graph is written out."""
    index = open_exact_chroma(root, Collection.LINES)
    for start in range(0, records, 250):
        index.insert([record(n, 0) for n in range(start, start + 250)])
    index.close()
    return sum(path.stat().st_size for path in list_files(root).values())


def test_an_index_of_deleted_records_is_rebuilt_exactly_and_readers_follow(
    setting: Setting,
) -> None:
    numbers = range(1_200)
    one, other = setting.copy("one"), setting.copy("other")
    added_again(one, numbers, 0)
    with SnapshotReader(
        setting.store, Collection.LINES, setting.root / "reader", SystemClock()
    ) as reader:
        reader.refresh()
        published = [added_again(one, numbers, 1)]
        assert (rebuilt := published[0].rebuilt) is not None
        assert rebuilt.records == 1_200
        assert rebuilt.elements > 1_800
        assert setting.manifest().elements <= 1_200
        assert setting.manifest().packs == ()
        assert reader.refresh()
        assert reader.count() == 1_200
        for number in range(0, 1_200, 97):
            (match,) = reader.search(record(number, 1).vector, 1)
            assert match.record.id == record(number, 1).id
    assert added_again(one, range(10), 2).rebuilt is None  # the warm copy goes on
    assert added_again(other, range(10, 20), 3).version == 4
    found = one.checkout().get([record(n, 0).id for n in numbers])
    assert {i: r.metadata["n"] for i, r in found.items()} == {record(n, 0).id: n for n in numbers}


def test_floats_do_not_move_however_often_an_index_is_rebuilt(setting: Setting) -> None:
    copy = setting.copy("one")
    numbers = range(1_050)
    added_again(copy, numbers, 0)
    ids = [record(n, 0).id for n in numbers]
    before = {i: dict(r.metadata) for i, r in copy.checkout().get(ids).items()}
    for turn in range(1, 4):
        index = copy.checkout()
        copy.mark_dirty()
        others = [record(n, turn) for n in range(2_000, 3_100)]
        index.insert(others)
        index.delete([one.id for one in others])
        assert copy.publish(index.count()).rebuilt is not None
    assert {i: dict(r.metadata) for i, r in copy.checkout().get(ids).items()} == before


def bloat(setting: Setting, records: int, share: float, turns: int) -> float:
    """Return the size after the turns as a multiple of the size of a fresh index."""
    copy, part = setting.copy("one"), int(records * share)
    added_again(copy, range(records), 0)
    for turn in range(1, turns + 1):
        begin = (turn - 1) * part % records
        added_again(copy, [(begin + n) % records for n in range(part)], turn)
    assert copy.checkout().count() == records
    return size(setting.manifest()) / size_of_fresh(setting.root / "fresh", records)


@pytest.mark.long
def test_two_thousand_records_that_are_all_added_again_twelve_times_take_no_more_room(
    setting: Setting,
) -> None:
    assert bloat(setting, 2_000, 1.0, 12) <= 1.3


@pytest.mark.long
def test_ten_thousand_records_of_which_a_third_changes_six_times_take_no_more_room(
    setting: Setting,
) -> None:
    assert bloat(setting, 10_000, 0.3, 6) <= 1.3


@pytest.mark.long
def test_two_thousand_records_whose_vectors_are_replaced_twelve_times_take_no_more_room(
    setting: Setting,
) -> None:
    copy = setting.copy("one")
    added_again(copy, range(2_000), 0)
    for turn in range(1, 13):
        index = copy.checkout()
        copy.mark_dirty()
        index.replace_vectors([record(n, turn) for n in range(2_000)])
        copy.publish(index.count())
    fresh = size_of_fresh(setting.root / "fresh", 2_000)
    assert size(setting.manifest()) / fresh <= 1.3
