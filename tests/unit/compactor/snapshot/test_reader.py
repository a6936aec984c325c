"""Following a published version, with the snapshot's objects in memory."""

from datetime import timedelta
from pathlib import Path

import pytest

from compactor.snapshot import reader as module
from compactor.snapshot.reader import SnapshotReader
from compactor.snapshot.working_copy import CopySettings, WorkingCopy
from receipt_sync.errors import IndexFailedError
from receipt_sync.keys import Collection
from tests.fakes.clock import ManualClock
from tests.fakes.files import FileIndex
from tests.fakes.snapshots import InMemorySnapshotStore


@pytest.fixture
def store(tmp_path: Path) -> InMemorySnapshotStore:
    """A store with one version of one record."""
    store = InMemorySnapshotStore()
    copy = WorkingCopy(
        store,
        Collection.LINES,
        tmp_path / "writer",
        FileIndex,  # type: ignore[arg-type]
        ManualClock(),
        CopySettings("writer", timedelta(seconds=100)),
    )
    copy.checkout().put(a="1")  # type: ignore[attr-defined]
    copy.publish(1)
    return store


def test_a_version_that_could_not_be_opened_is_tried_again(
    store: InMemorySnapshotStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    reader = SnapshotReader(store, Collection.LINES, tmp_path / "reader")

    def fail(*_: object) -> None:
        raise IndexFailedError("Chroma's open failed: InternalError")

    monkeypatch.setattr(module, "ChromaIndex", fail)
    with pytest.raises(IndexFailedError):
        reader.refresh()
    assert [path.name for path in (tmp_path / "reader").iterdir()] == ["mirror"]

    monkeypatch.setattr(module, "ChromaIndex", FileIndex)
    assert reader.refresh()
    assert (reader.version, reader.count()) == (1, 1)
    assert not reader.refresh()
