"""Following a published version, with the snapshot's objects in memory."""

from datetime import timedelta
from pathlib import Path

import pytest

from receipt_index.snapshot.copies import synchronise
from receipt_index.snapshot.copies.working_copy import CopySettings, WorkingCopy
from receipt_index.snapshot.format.pages import copy_pages
from receipt_index.snapshot.reading import handover
from receipt_index.snapshot.reading import reader as module
from receipt_index.snapshot.reading.reader import SnapshotReader
from receipt_sync.errors import IndexFailedError
from receipt_sync.keys import Collection
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.files import FileIndex
from tests.support.fakes.snapshots import InMemorySnapshotStore
from tests.unit.receipt_index.snapshot.setting import file_index


def publish(store: InMemorySnapshotStore, folder: Path, **records: str) -> None:
    """Make records the next version."""
    copy = WorkingCopy(
        store,
        Collection.LINES,
        folder,
        FileIndex,  # type: ignore[arg-type]
        ManualClock(),
        CopySettings("writer", timedelta(seconds=100)),
    )
    index = file_index(copy)
    index.put(**records)
    copy.publish(index.count())


@pytest.fixture
def store(tmp_path: Path) -> InMemorySnapshotStore:
    """A store with one version of one record."""
    store = InMemorySnapshotStore()
    publish(store, tmp_path / "writer", a="1")
    return store


def test_a_version_that_could_not_be_opened_is_tried_again(
    store: InMemorySnapshotStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = SnapshotReader(store, Collection.LINES, tmp_path / "reader")

    def fail(*_: object) -> None:
        raise IndexFailedError("Chroma's open failed: InternalError")

    monkeypatch.setattr(module, "ChromaIndex", fail)
    with pytest.raises(IndexFailedError):
        reader.refresh()
    assert len(list((tmp_path / "reader" / "reader-1").glob("copy-*"))) == 1

    monkeypatch.setattr(module, "ChromaIndex", FileIndex)
    assert reader.refresh()
    assert (reader.version, reader.count()) == (1, 1)
    assert not reader.refresh()


def test_two_folders_take_turns_and_what_did_not_change_is_not_copied_again(
    store: InMemorySnapshotStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ChromaIndex", FileIndex)
    copied: list[tuple[str, int]] = []

    def copy_and_note(source: Path, target: Path, pages: list[int]) -> None:
        copied.append((target.name, len(pages)))
        copy_pages(source, target, pages)

    monkeypatch.setattr(synchronise, "copy_pages", copy_and_note)
    monkeypatch.setattr(handover, "copy_pages", copy_and_note)
    big = "x" * 50_000
    publish(store, tmp_path / "writer-1", big=big)
    reader = SnapshotReader(store, Collection.LINES, tmp_path / "reader")
    for number in range(5):
        if number:
            publish(store, tmp_path / f"writer-{number + 1}", **{f"n{number}": "1"})
            copied.clear()
        assert reader.refresh()
        serving = reader._serving
        assert serving is not None
        assert serving.index.count() == 2 + number
        assert serving.index.records["big"] == big  # type: ignore[attr-defined]
    assert copied == [("records.json", 1), ("records.json", 1)]  # of 13 pages
    assert len(list((tmp_path / "reader" / "reader-1").glob("copy-*"))) == 2
    reader.close()
    assert not (tmp_path / "reader").exists()


def test_a_reader_without_a_version_says_so_of_everything(
    store: InMemorySnapshotStore, tmp_path: Path
) -> None:
    reader = SnapshotReader(store, Collection.LINES, tmp_path / "reader")
    for _ in range(2):
        assert (reader.version, reader.elements, reader.published_at) == (0, 0, None)
        assert reader.search_is_exact is False
        assert reader.is_fixed is True
        reader.close()  # afterwards, the same holds
