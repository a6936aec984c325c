"""The exact search of published collections in real Chroma, compared with an oracle in NumPy."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

import numpy as np
import pytest

from receipt_index.chroma import ChromaIndex
from receipt_index.deltas import Vectors
from receipt_index.exact.index import ExactIndex
from receipt_index.exact.layout import FOLDER, RECORDS, VECTORS
from receipt_index.exact_chroma import open_exact_chroma
from receipt_index.records import NewVector
from receipt_index.snapshot.copies import working_copy as copies
from receipt_index.snapshot.copies.rebuilding import OpenIndex
from receipt_index.snapshot.copies.working_copy import CopySettings, WorkingCopy
from receipt_index.snapshot.format.manifest import read_manifest
from receipt_index.snapshot.reading import open_copy
from receipt_index.snapshot.reading.reader import SnapshotReader
from receipt_ops.verification.recall import DistinctVectors, Recall, measure
from receipt_sync.clock import SystemClock
from receipt_sync.errors import IndexFailedError, SnapshotDamagedError
from receipt_sync.keys import Collection
from tests.support.fakes.snapshots import InMemorySnapshotStore
from tests.support.oracle.nearest import check_nearest

WORDS = Collection.WORDS
DIMENSION = 32
DERIVED = {f"{FOLDER}/{VECTORS}", f"{FOLDER}/{RECORDS}"}


def words(distinct: int, repeated: int) -> list[Vectors]:
    """Return the vectors of words. The n-th distinct word stands on `repeated` / n receipts."""
    vectors = np.random.default_rng(1).normal(size=(distinct, DIMENSION)).astype(np.float32)
    counts = [max(1, repeated // number) for number in range(1, distinct + 1)]
    rows = np.repeat(np.arange(distinct), counts)
    return [vectors[row] for row in np.random.default_rng(2).permutation(rows)]


def records(vectors: dict[str, Vectors]) -> list[NewVector]:
    return [
        NewVector(i, v, f"text {i}", {"text": i, "tenth": int(i[2:]) % 10})
        for i, v in vectors.items()
    ]


class Setting:
    """A bucket in memory, one worker at a time, and one reader."""

    def __init__(self, root: Path) -> None:
        self.root, self.store = root, InMemorySnapshotStore()
        self.copy = self.worker("first")
        self.reader = SnapshotReader(self.store, WORDS, root / "reader")

    def worker(self, name: str, opener: OpenIndex = open_exact_chroma) -> WorkingCopy:
        settings = CopySettings(name, timedelta(hours=1))
        return WorkingCopy(self.store, WORDS, self.root / name, opener, SystemClock(), settings)

    def checked_out(self) -> ExactIndex:
        index = self.copy.checkout()
        assert isinstance(index, ExactIndex)
        self.copy.mark_dirty()
        return index

    def publish(self, index: ExactIndex | None = None) -> int:
        """Publish the copy, and return the number of uploaded bytes."""
        uploaded = self.copy.publish(index.count() if index else None).uploaded
        self.reader.refresh()
        return uploaded

    def files(self) -> set[str]:
        assert self.store.data is not None
        return set(read_manifest(self.store.data, WORDS).files)

    def compared(self, folder: Path) -> Recall:
        """Return what `verify --search` reports."""
        folder.mkdir()
        recall, distinct = Recall(), DistinctVectors(folder)
        distinct.read(self.reader, lambda _: None)
        measure(recall, self.reader, distinct, range(distinct.count), examples=3)
        distinct.close()
        return recall


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    setting = Setting(tmp_path)
    yield setting
    setting.reader.close()
    setting.copy.close()


def test_words_that_repeat_are_all_found(
    setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chroma's graph loses some of the same words, so the test would fail without the files."""
    vectors = {f"id{n:05d}": v for n, v in enumerate(words(distinct=600, repeated=900))}
    index = setting.checked_out()
    index.insert(records(vectors))
    setting.publish(index)
    reader = setting.reader
    assert reader.search_is_exact
    recall = setting.compared(tmp_path / "exact")
    assert (recall.missed, recall.mean, recall.is_good) == (0, 1.0, True)
    assert recall.distinct == 600
    for query in (*list(vectors.values())[::50], *words(20, 1)[::2]):
        for limit in (1, 10, 2_000):
            check_nearest(reader.search(query, limit), query, vectors, limit)
        tenth = {i: v for i, v in vectors.items() if i.endswith("3")}
        check_nearest(reader.search(query, 10, {"tenth": 3}), query, tenth, 10)
        few = {i: v for i, v in vectors.items() if i < "id00020" and not i.endswith("3")}
        where = {"$and": [{"text": {"$in": list(few)}}, {"tenth": {"$ne": 3}}]}
        check_nearest(reader.search(query, 10, where), query, few, 10)
    assert reader.search(query, 10, {"tenth": 11}) == []
    with monkeypatch.context() as patch:
        patch.setattr(open_copy, "MOST_WORK", 600 * (DIMENSION + 1_200) - 1)
        with SnapshotReader(setting.store, WORDS, tmp_path / "graph") as graph:
            graph.refresh()
            assert not graph.search_is_exact
            setting.reader = graph
            assert setting.compared(tmp_path / "lost").missed > 0
    setting.reader = reader


def test_a_match_is_what_chroma_returns(setting: Setting) -> None:
    vectors = {f"id{n:05d}": v for n, v in enumerate(words(distinct=40, repeated=1))}
    index = setting.checked_out()
    index.insert(records(vectors))
    setting.publish(index)
    for query in [*vectors.values(), np.zeros(DIMENSION, np.float32)]:
        ours, theirs = setting.reader.search(query, 5), index.plain.search(query, 5)
        if query.any():
            assert [match.record for match in ours] == [match.record for match in theirs]
        np.testing.assert_allclose(
            [match.distance for match in ours], [match.distance for match in theirs], atol=2e-6
        )


def test_what_chroma_refuses_is_refused(setting: Setting) -> None:
    index = setting.checked_out()
    index.insert(records({"id00001": np.ones(DIMENSION, np.float32)}))
    setting.publish(index)
    query = np.ones(DIMENSION, np.float32)
    for vector, limit in (
        (query[:-1], 1),
        (query, 0),
        (query * np.float32(np.nan), 1),
    ):
        with pytest.raises(IndexFailedError, match="a search for"):
            setting.reader.search(vector, limit)
    with pytest.raises(IndexFailedError):
        setting.reader.search(query, 1, {"$unknown": 1})


def test_random_writes_over_many_versions(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers take turns, bases and packs alternate, and vectors come again after a deletion."""
    monkeypatch.setattr(copies, "MAX_PACKS", 4)
    random, pool = Random(7), words(distinct=60, repeated=1)
    vectors: dict[str, Vectors] = {}
    for version in range(24):
        index = setting.checked_out()
        new = {f"id{random.randrange(400):05d}": random.choice(pool) for _ in range(40)}
        inserted = {i: v for i, v in new.items() if i not in vectors}
        replaced = {i: v for i, v in new.items() if i in vectors}
        gone = random.sample(sorted(vectors), len(vectors) // 4)
        index.insert(records(inserted))
        index.replace_vectors(records(replaced))
        index.delete(gone)
        vectors = {i: v for i, v in (vectors | new).items() if i not in gone}
        setting.publish(index)
        assert setting.reader.search_is_exact
        for query in random.sample(pool, 10):
            check_nearest(setting.reader.search(query, 10), query, vectors, 10)
        if version % 5 == 4:
            setting.copy.close()
            setting.copy = setting.worker(f"worker-{version}")
    size = (setting.root / "worker-19" / "working" / FOLDER / VECTORS).stat().st_size
    assert size <= 61 * DIMENSION * 4


def test_a_cycle_without_vectors_leaves_the_files_alone(setting: Setting) -> None:
    index = setting.checked_out()
    index.insert(records({f"id{n:05d}": v for n, v in enumerate(words(100, 1))}))
    setting.publish(index)
    folder = setting.root / "first" / "working" / FOLDER
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    setting.checked_out().update({"id00003": {"text": "changed"}})
    setting.publish()
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert len(before) == len(DERIVED)


def test_an_emptied_collection_starts_again(setting: Setting) -> None:
    index = setting.checked_out()
    index.insert(records({"id00001": words(1, 1)[0]}))
    setting.publish(index)
    index = setting.checked_out()
    index.delete(["id00001"])
    setting.publish(index)
    assert setting.reader.search(words(1, 1)[0], 3) == []
    index = setting.checked_out()
    vectors = {f"id{n:05d}": v for n, v in enumerate(words(5, 1))}
    index.insert(records(vectors))
    setting.publish(index)
    check_nearest(setting.reader.search(words(1, 1)[0], 3), words(1, 1)[0], vectors, 3)


# --- files that are missing or do not fit


def published_without(setting: Setting, count: int) -> dict[str, Vectors]:
    """Publish a collection as a worker of an earlier format does."""
    setting.copy = setting.worker("earlier", ChromaIndex)
    vectors = {f"id{n:05d}": v for n, v in enumerate(words(count, 1))}
    index = setting.copy.checkout()
    setting.copy.mark_dirty()
    index.insert(records(vectors))
    setting.copy.publish(index.count())
    setting.copy.close()
    setting.copy = setting.worker("present")
    return vectors


def test_a_small_collection_gains_the_files_with_the_next_publish(setting: Setting) -> None:
    vectors = published_without(setting, 50)
    setting.reader.refresh()
    assert not setting.reader.search_is_exact
    setting.checked_out()
    setting.publish()
    assert setting.reader.search_is_exact
    query = vectors["id00007"]
    check_nearest(setting.reader.search(query, 10), query, vectors, 10)


def test_a_large_collection_gains_the_files_with_the_next_base(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("receipt_index.exact.index.CHEAP", 49)
    vectors = published_without(setting, 50)
    index = setting.checked_out()
    index.insert(records({"id00090": vectors["id00007"]}))
    vectors["id00090"] = vectors["id00007"]
    setting.publish(index)
    assert not setting.reader.search_is_exact
    assert not DERIVED & setting.files()
    monkeypatch.setattr(copies, "MAX_PACKS", 1)
    setting.checked_out()
    setting.publish()
    assert setting.reader.search_is_exact
    query = vectors["id00007"]
    check_nearest(setting.reader.search(query, 10), query, vectors, 10)


def test_files_that_do_not_fit_are_refused_by_a_reader_and_made_anew_by_a_worker(
    setting: Setting,
) -> None:
    """A program that writes through Chroma alone leaves the files behind."""
    index = setting.checked_out()
    vectors = {f"id{n:05d}": v for n, v in enumerate(words(20, 1))}
    index.insert(records(vectors))
    setting.publish(index)
    plain = setting.worker("plain", ChromaIndex)
    other = plain.checkout()
    plain.mark_dirty()
    other.delete(["id00003"])
    plain.publish(other.count())
    plain.close()
    with pytest.raises(SnapshotDamagedError, match="hold 20 records, and the collection 19"):
        setting.reader.refresh()
    assert setting.reader.version == 1
    setting.checked_out()
    setting.publish()
    assert setting.reader.version == 3
    del vectors["id00003"]
    query = words(20, 1)[3]
    check_nearest(setting.reader.search(query, 20), query, vectors, 20)
