"""The index that keeps the derived files, on an index in memory."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from receipt_index.deltas import Vectors
from receipt_index.exact import index as module
from receipt_index.exact.index import ExactIndex
from receipt_index.exact.layout import FOLDER, RECORDS, VECTORS, ExactFilesError
from receipt_index.exact.search import ExactSearch
from receipt_index.exact.vector_file import VectorFile
from receipt_index.records import NewVector
from receipt_sync.deadline import Deadline
from receipt_sync.errors import IndexFailedError
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.listed import ListedIndex

DIMENSION = 3
ONE = np.array([1, 0, 0], np.float32)


def record(number: int, vector: Vectors | None = None) -> NewVector:
    chosen = ONE * np.float32(1) if vector is None else vector
    return NewVector(f"id{number:02d}", chosen, "text", {"number": number})


def distinct(number: int) -> Vectors:
    return np.array([1, number, 0], np.float32)


class Copy:
    """A collection, its folder, and what a reader finds in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.plain = folder, ListedIndex()
        self.index = ExactIndex(self.plain, folder)

    @property
    def files(self) -> Path:
        return self.folder / FOLDER

    def found(self, vector: Vectors, limit: int = 10) -> list[str]:
        search = ExactSearch(self.files, self.plain.count(), self.plain)
        found = [match.record.id for match in search.search(vector, limit)]
        search.close()
        return found

    def reopen(self) -> None:
        self.index.close()
        self.index = ExactIndex(self.plain, self.folder)

    def without_files(self) -> None:
        """Become the copy of a version of an earlier format."""
        shutil.rmtree(self.files)
        self.reopen()


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def test_equal_vectors_share_a_row_and_are_found_in_the_order_of_their_ids(copy: Copy) -> None:
    copy.index.insert([record(3), record(1), record(2), record(9, distinct(1))])
    assert (copy.files / VECTORS).stat().st_size == 2 * DIMENSION * 4
    assert copy.found(ONE) == ["id01", "id02", "id03", "id09"]
    assert copy.found(ONE, 2) == ["id01", "id02"]


def test_a_freed_row_is_taken_by_the_next_vector_and_holds_nan_until_then(copy: Copy) -> None:
    copy.index.insert([record(n, distinct(n)) for n in range(4)])
    copy.index.delete(["id01"])
    rows = np.fromfile(copy.files / VECTORS, np.float32).reshape(-1, DIMENSION)
    assert [bool(np.isnan(row).all()) for row in rows] == [False, True, False, False]
    copy.index.insert([record(7, distinct(70))])
    assert (copy.files / VECTORS).stat().st_size == 4 * DIMENSION * 4
    assert copy.found(distinct(70), 1) == ["id07"]


def test_a_change_of_metadata_writes_nothing(copy: Copy) -> None:
    copy.index.insert([record(1)])
    before = {path: path.stat().st_mtime_ns for path in copy.files.iterdir()}
    copy.reopen()
    copy.index.update({"id01": {"number": 2}})
    copy.index.derive(None, whole=True)
    assert {path: path.stat().st_mtime_ns for path in copy.files.iterdir()} == before


def test_without_a_record_there_are_no_files_until_they_are_derived(copy: Copy) -> None:
    assert not copy.files.exists()
    copy.index.derive(None, whole=False)
    assert copy.found(ONE) == []
    copy.index.insert([record(1)])
    assert copy.found(ONE) == ["id01"]


def test_only_the_files_of_a_small_collection_are_made_with_any_publish(
    copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHEAP", 3)
    copy.index.insert([record(n) for n in range(3)])
    copy.without_files()
    copy.index.derive(None, whole=False)
    assert copy.found(ONE) == ["id00", "id01", "id02"]
    copy.index.insert([record(3)])
    copy.without_files()
    copy.index.derive(None, whole=False)
    copy.index.insert([record(4)])
    assert not copy.files.exists()
    copy.index.derive(None, whole=True)
    assert copy.found(ONE) == ["id00", "id01", "id02", "id03", "id04"]


def test_the_files_of_a_large_collection_wait_for_a_publish_with_time(
    copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHEAP", 0)
    monkeypatch.setattr(module, "_RECORDS_A_SECOND", 1)
    copy.index.insert([record(n) for n in range(30)])
    copy.without_files()
    clock = ManualClock()
    copy.index.derive(Deadline(clock, 29), whole=True)
    assert not copy.files.exists()
    copy.index.derive(Deadline(clock, 31), whole=True)
    assert len(copy.found(ONE, 50)) == 30


def test_a_vector_that_cannot_be_read_leaves_the_collection_without_files(
    copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy.index.insert([record(1)])
    copy.without_files()

    def lost(_: object) -> dict[str, Vectors]:
        raise IndexFailedError("Chroma's get failed: InternalError")

    with monkeypatch.context() as patch:
        patch.setattr(copy.plain, "vectors", lost)
        copy.index.derive(None, whole=True)
    assert not copy.files.exists()
    copy.index.derive(None, whole=True)
    assert copy.found(ONE) == ["id01"]


def _garbage(files: Path) -> None:
    (files / RECORDS).write_bytes(b"x" * 8192)


def _short(files: Path) -> None:
    with (files / VECTORS).open("ab") as file:
        file.truncate(4)


def _without_header(files: Path) -> None:
    with sqlite3.connect(files / RECORDS) as connection:
        connection.execute("DELETE FROM header")
    connection.close()


def _another_format(files: Path) -> None:
    with sqlite3.connect(files / RECORDS) as connection:
        connection.execute("UPDATE header SET format = 9")
    connection.close()


def _another_count(files: Path) -> None:
    with sqlite3.connect(files / RECORDS) as connection:
        connection.execute("UPDATE header SET record_count = 9")
    connection.close()


@pytest.mark.parametrize(
    ("damage", "rule"),
    [
        (_garbage, "can't be read"),
        (_short, "has 4 bytes, and not 1 rows of 3 floats"),
        (_without_header, "can't be read"),
        (_another_format, "have format 9, and not 1"),
        (_another_count, "hold 9 records, and the collection 2"),
        (lambda files: (files / VECTORS).unlink(), "vectors.f32 can't be read"),
    ],
)
def test_files_that_do_not_fit_are_refused_by_a_reader_and_made_anew_by_a_worker(
    copy: Copy, damage: Callable[[Path], None], rule: str
) -> None:
    copy.index.insert([record(1), record(2)])
    copy.index.close()
    damage(copy.files)
    with pytest.raises(ExactFilesError, match=rule):
        ExactSearch(copy.files, copy.plain.count(), copy.plain)
    copy.index = ExactIndex(copy.plain, copy.folder)
    assert not copy.files.exists()
    copy.index.derive(None, whole=False)
    assert copy.found(ONE) == ["id01", "id02"]


def test_a_write_that_fails_is_an_error_of_the_index_that_names_no_record(
    copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy.index.insert([record(1)])

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "secret")

    monkeypatch.setattr(VectorFile, "write", full)
    with pytest.raises(IndexFailedError, match="exact search can't be written: OSError") as caught:
        copy.index.insert([record(2, distinct(2))])
    assert "secret" not in str(caught.value)


def test_a_record_that_the_collection_lacks_is_no_result(copy: Copy) -> None:
    copy.index.insert([record(1)])
    del copy.plain.records["id01"]
    with pytest.raises(IndexFailedError, match="names a record that the collection lacks"):
        ExactSearch(copy.files, 1, copy.plain).search(ONE, 1)


def test_other_dimensions_need_an_empty_collection(copy: Copy) -> None:
    copy.index.insert([record(1)])
    copy.plain.stored_vectors.clear()
    copy.plain.forget_dimension()  # so that the fake accepts it
    with pytest.raises(IndexFailedError, match="ExactFilesError"):
        copy.index.insert([record(2, np.ones(5, np.float32))])
    copy.index.close()
    copy.plain.records.clear()
    copy.index = ExactIndex(copy.plain, copy.folder)
    copy.index.insert([record(2, np.ones(5, np.float32))])
    copy.index.delete(["id02"])
    copy.plain.forget_dimension()
    copy.index.insert([record(3, np.ones(4, np.float32))])
    assert copy.found(np.ones(4, np.float32)) == ["id03"]


def test_closing_closes_the_collection_too(copy: Copy) -> None:
    copy.index.insert([record(1)])
    copy.index.close()
    copy.index.close()
    assert copy.plain.closed == 2
