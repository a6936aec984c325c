"""Closing a reader, and using it in a process that was forked."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from receipt_index import chroma as index_module
from receipt_index.snapshot.reading import reader as module
from receipt_sync.errors import ForkedError, IndexFailedError, ReaderClosedError
from receipt_sync.keys import Collection
from tests.support.fakes.files import FileIndex
from tests.unit.receipt_index.snapshot.reading import CloseFails, FailingStore, Reading, served


@pytest.fixture
def reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reading:
    reading = Reading(tmp_path, monkeypatch)
    reading.put(a="1")
    return reading


def test_a_closed_reader_says_so(reading: Reading) -> None:
    """The script reader_close: a refresh after close served a version 1 with 0 records."""
    reader = reading.reader()
    reader.refresh()
    reader.close()
    for use in (reader.refresh, reader.count, lambda: reader.get(["a"]), reader.ids):
        with pytest.raises(ReaderClosedError, match="receipt_lines is closed: open another"):
            use()
    reader.close()
    assert not reading.reader_root.exists()


@pytest.mark.parametrize("keep", [False, True])
def test_close_closes_the_index(
    reading: Reading, monkeypatch: pytest.MonkeyPatch, keep: bool
) -> None:
    """An index that stays open holds its files, its memory and its threads."""
    closed: list[Path] = []

    class Noted(FileIndex):
        def close(self) -> None:
            closed.append(self._path)

    monkeypatch.setattr(module, "ChromaIndex", Noted)
    reader = reading.reader()
    reader.refresh()
    assert closed == []
    reader.close(keep=keep)
    assert len(closed) == 1


def test_close_removes_only_what_the_reader_made(reading: Reading) -> None:
    reading.reader_root.mkdir()
    (reading.reader_root / "precious.txt").write_text("of the user")
    reader = reading.reader()
    reader.refresh()
    reader.close()
    assert [path.name for path in reading.reader_root.iterdir()] == ["precious.txt"]


def test_an_empty_folder_of_the_user_stays(reading: Reading) -> None:
    reading.reader_root.mkdir()
    reader = reading.reader()
    reader.refresh()
    reader.close()
    assert reading.reader_root.exists()


def test_a_reader_that_is_closed_to_keep_its_files_starts_warm(reading: Reading) -> None:
    reader = reading.reader()
    reader.refresh()
    reader.close(keep=True)
    store = FailingStore(reading)
    again = reading.process()
    assert again.refresh()
    assert store.fetched == []


@pytest.mark.parametrize("rounds", [1, 3])
def test_after_a_close_that_failed_no_refresh_writes_into_the_open_copy(
    reading: Reading, monkeypatch: pytest.MonkeyPatch, rounds: int
) -> None:
    reader = reading.reader()
    reader.refresh()
    for number in range(rounds):
        monkeypatch.setattr(module, "ChromaIndex", CloseFails)
        reading.put(**{f"n{number}": "1"})
        reader.refresh()
        monkeypatch.setattr(module, "ChromaIndex", FileIndex)
        reading.put(**{f"m{number}": "1"})
        with pytest.raises(IndexFailedError):
            reader.refresh()
        version, records = reader.version, served(reader)
        assert version == reading.manifest().version
        before = dict(records)
        reading.put(**{f"o{number}": "1"})
        assert reader.refresh()
        assert records == before
        assert served(reader).keys() == before.keys() | {f"o{number}"}


def in_a_fork(use: Callable[[], object]) -> str:
    """What a forked child gets when it uses a reader: the error's name and sentence, or nothing."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            use()
        except BaseException as error:  # noqa: BLE001 the parent reads it
            os.write(write, f"{type(error).__name__}: {error}".encode())
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read) as pipe:
        return pipe.read()


def test_a_reader_that_was_opened_before_a_fork_says_so(reading: Reading) -> None:
    """The script reader_after_fork: the child hung."""
    reader = reading.reader()
    reader.refresh()
    for use in (reader.count, reader.refresh, lambda: reader.search(None, 1)):  # type: ignore[arg-type]
        answer = in_a_fork(use)
        assert answer.startswith(ForkedError.__name__)
        assert "with gunicorn in post_fork" in answer
    assert in_a_fork(reader.close) == ""
    assert reader.count() == 1
    assert reading.reader_root.exists()


def test_a_reader_that_was_made_before_a_fork_is_opened_after_it(reading: Reading) -> None:
    reader = reading.reader()
    assert in_a_fork(reader.refresh) == ""
    assert reader.refresh()


def test_chroma_is_not_opened_by_the_child_of_a_process_that_used_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "_process", os.getpid() + 1)
    with pytest.raises(ForkedError, match="before this process was forked"):
        index_module.ChromaIndex(tmp_path, Collection.LINES)
