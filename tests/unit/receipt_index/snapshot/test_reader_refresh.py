"""What a refresh keeps when it fails, what it does not repeat, and who waits for it."""

import threading
from pathlib import Path

import pytest

from receipt_index.snapshot.copies import working_copy
from receipt_index.snapshot.reading import reader as module
from receipt_index.snapshot.reading.reader import SnapshotReader
from receipt_index.snapshot.reading.turns import DAMAGE_KEPT_FOR
from receipt_index.snapshot.restore import RestorePlan, publish
from receipt_sync.errors import IndexFailedError, SnapshotDamagedError
from receipt_sync.keys import Collection
from tests.support.fakes.files import FileIndex
from tests.unit.receipt_index.snapshot.reading import FailingStore, Reading, served

BIG = "x" * 30_000


@pytest.fixture
def reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reading:
    reading = Reading(tmp_path, monkeypatch)
    reading.put(a=BIG)
    return reading


@pytest.fixture
def reader(reading: Reading) -> SnapshotReader:
    reader = SnapshotReader(reading.store, Collection.LINES, reading.reader_root, reading.clock)
    reader.refresh()
    return reader


def test_a_read_that_times_out_costs_that_read(reading: Reading, reader: SnapshotReader) -> None:
    """The script refresh_failure: the next refresh fetched the whole snapshot."""
    for number in range(3):
        reading.put(**{f"n{number}": "1"})
    last = f"packs/{reading.manifest().packs[-1].digest}"
    store = FailingStore(reading, last, TimeoutError())
    with pytest.raises(TimeoutError):
        reader.refresh()
    assert reader.version == 1
    assert reader.refresh()
    assert sorted(store.fetched) == sorted(f"packs/{p.digest}" for p in reading.manifest().packs)
    assert served(reader).keys() == {"a", "n0", "n1", "n2"}


def test_blocks_that_were_fetched_before_a_time_out_are_kept(
    reading: Reading, reader: SnapshotReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working_copy, "MAX_PACKS", 0)
    monkeypatch.setattr("receipt_index.snapshot.copies.base._THREADS", 1)
    for module_name in ("copies.base", "format.manifest"):
        monkeypatch.setattr(f"receipt_index.snapshot.{module_name}.BLOCK_SIZE", 8192)
    reading.put(b=" ".join(map(str, range(10_000))))
    store = FailingStore(reading, reading.block(-2), TimeoutError())
    with pytest.raises(TimeoutError):
        reader.refresh()
    assert reader.refresh()
    assert len(store.fetched) == len(set(store.fetched)) > 2
    assert served(reader).keys() == {"a", "b"}


def test_a_damaged_version_is_fetched_once_until_its_manifest_changes(
    reading: Reading, reader: SnapshotReader
) -> None:
    """The script damaged_pack_refetches."""
    reading.put(b="1")
    pack = f"packs/{reading.manifest().packs[-1].digest}"
    good = reading.store.objects[pack]
    reading.store.objects[pack] = good[:-1] + bytes([good[-1] ^ 1])
    reading.store.reads.clear()
    for _ in range(5):
        with pytest.raises(SnapshotDamagedError, match="does not have the digest in its name"):
            reader.refresh()
    assert reading.store.reads == [pack]
    reading.store.objects[pack] = good
    reading.put(c="1")
    assert reader.refresh()
    assert reading.store.reads.count(pack) == 2
    assert not [name for name in reading.store.reads if name.startswith("blocks/")]


def test_a_damaged_version_whose_object_came_back_is_tried_after_some_minutes(
    reading: Reading, reader: SnapshotReader
) -> None:
    reading.put(b="1")
    pack = f"packs/{reading.manifest().packs[-1].digest}"
    good = reading.store.objects.pop(pack)
    with pytest.raises(SnapshotDamagedError):
        reader.refresh()
    reading.store.objects[pack] = good
    reading.clock.advance(DAMAGE_KEPT_FOR)
    assert reader.refresh()


def test_a_search_does_not_wait_for_a_refresh(reading: Reading, reader: SnapshotReader) -> None:
    """The script search_waits_for_refresh."""
    reading.put(b="1")
    fetching, go_on = threading.Event(), threading.Event()
    read = reading.store.read

    def slow(name: str, at_most: int) -> bytes:
        fetching.set()
        assert go_on.wait(20)
        return read(name, at_most)

    reading.store.read = slow  # type: ignore[method-assign]
    refresh = threading.Thread(target=reader.refresh)
    refresh.start()
    assert fetching.wait(20)
    counted: list[int] = []
    count = threading.Thread(target=lambda: counted.append(reader.count()))
    count.start()
    count.join(10)
    waited = count.is_alive()
    go_on.set()
    refresh.join(20)
    count.join(20)
    assert not waited
    assert counted == [1]
    assert reader.count() == 2


class Busy(FileIndex):
    """An index whose search takes until the test ends it, and that knows if it was closed."""

    begun, end = threading.Event(), threading.Event()
    closed_while_searched = False

    def search(self, *_: object) -> list[object]:
        self.searched = True
        self.begun.set()
        assert self.end.wait(20)
        self.searched = False
        return []

    def close(self) -> None:
        if getattr(self, "searched", False):
            type(self).closed_while_searched = True


def closed_under_a_search(reading: Reading, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a refresh closes an index that is being searched."""
    fresh = {"begun": threading.Event(), "end": threading.Event(), "closed_while_searched": False}
    for name, value in fresh.items():
        setattr(Busy, name, value)
    monkeypatch.setattr(module, "ChromaIndex", Busy)
    reader = reading.reader(reading.root / "busy")
    reader.refresh()
    reading.put(b="1")
    search = threading.Thread(target=lambda: reader.search(None, 1))  # type: ignore[arg-type]
    search.start()
    assert Busy.begun.wait(20)
    refresh = threading.Thread(target=reader.refresh)
    refresh.start()
    refresh.join(1.0)
    Busy.end.set()
    search.join(20)
    refresh.join(20)
    assert reader.version == 2
    return Busy.closed_while_searched


def test_an_index_is_not_closed_while_it_is_searched(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not closed_under_a_search(reading, monkeypatch)


def test_the_readers_lock_left_out_of_search_is_found(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted bug: a search does not hold what the swap waits for."""
    search = SnapshotReader.search

    def without_lock(self: SnapshotReader, *arguments: object) -> object:
        return self._open_copy().search(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(SnapshotReader, "search", without_lock)
    assert search is not SnapshotReader.search
    assert closed_under_a_search(reading, monkeypatch)


def test_a_version_is_warm_before_it_is_served(
    reading: Reading, reader: SnapshotReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The script first_search_after_refresh."""
    versions: list[int] = []

    class Warm(FileIndex):
        def warm_up(self) -> None:
            versions.append(reader.version)

    monkeypatch.setattr(module, "ChromaIndex", Warm)
    reading.put(b="1")
    assert reader.refresh()
    assert versions == [1]


def test_a_version_that_can_t_be_warmed_is_not_served(
    reading: Reading, reader: SnapshotReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(FileIndex):
        def warm_up(self) -> None:
            raise IndexFailedError("Chroma's query failed: InternalError")

    monkeypatch.setattr(module, "ChromaIndex", Broken)
    reading.put(b="1")
    with pytest.raises(IndexFailedError):
        reader.refresh()
    assert (reader.version, reader.count()) == (1, 1)
    monkeypatch.setattr(module, "ChromaIndex", FileIndex)
    reading.store.reads.clear()
    assert reader.refresh()
    assert reading.store.reads == []
    assert served(reader).keys() == {"a", "b"}


def test_a_reader_goes_to_a_lower_version_only_by_a_restore(
    reading: Reading, reader: SnapshotReader
) -> None:
    """The script refresh_failure: readers followed a cold worker to an empty version 1."""
    reading.put(b="1")
    reading.put(c="1")
    reader.refresh()
    lower = reading.history[1]
    reading.store.data = lower.to_json()
    reading.store.puts += 1
    with pytest.raises(SnapshotDamagedError, match=r"version 2 of .* after version 3, but no"):
        reader.refresh()
    assert (reader.version, reader.count()) == (3, 3)
    kept = [reading.history[2]]  # the bucket has lost the manifests of 2 and 3
    reading.store.data = None
    (chosen,) = [manifest for manifest in kept if manifest.version == 1]
    restored = publish(
        reading.store, RestorePlan(chosen, kept[0], kept[0].version), reading.clock, "an operator"
    ).published
    assert restored.version == 2
    assert reader.refresh()
    assert (reader.version, set(served(reader))) == (2, {"a"})


def test_a_version_after_the_restore_says_that_there_was_one(
    reading: Reading, reader: SnapshotReader
) -> None:
    """A reader need not see the restored version itself."""
    for name in "bcde":
        reading.put(**{name: "1"})
    reader.refresh()
    reading.store.data = None
    first = reading.history[-1]
    publish(reading.store, RestorePlan(first, first, first.version), reading.clock, "me")
    reading.publish(reading.copy("other"), z="1")
    assert reading.manifest().version == 3
    assert reader.refresh()
    assert (reader.version, set(served(reader))) == (3, {"a", "z"})


def test_the_same_version_with_other_content_is_no_successor(
    reading: Reading, reader: SnapshotReader
) -> None:
    other = reading.manifest().model_copy(update={"record_count": 7})
    reading.store.data = other.to_json()
    reading.store.puts += 1
    with pytest.raises(SnapshotDamagedError, match="after version 1"):
        reader.refresh()


def test_a_new_reader_takes_a_lost_manifest_for_damage_and_not_for_a_new_collection(
    reading: Reading,
) -> None:
    """It said "no published version yet: load receipts", and `verify` counted all as missing."""
    reading.store.data = None
    with (
        SnapshotReader(reading.store, Collection.LINES, reading.reader_root) as reader,
        pytest.raises(SnapshotDamagedError, match="the manifest of receipt_lines is gone"),
    ):
        reader.refresh()


def test_a_reader_may_be_refreshed_before_the_first_publish(reading: Reading) -> None:
    reading.store.data = None
    reading.store.objects.clear()
    with SnapshotReader(reading.store, Collection.LINES, reading.reader_root) as reader:
        assert not reader.refresh()
