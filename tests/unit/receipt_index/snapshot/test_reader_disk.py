"""A reader on a disk that is too small says so, and goes on with what it serves."""

import errno
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from receipt_index.snapshot.copies.room import check_free
from receipt_index.snapshot.format.pages import list_files
from receipt_index.snapshot.reading import handover
from receipt_sync.errors import WorkspaceFullError
from tests.unit.receipt_index.snapshot.reading import Reading, served

Usage = namedtuple("Usage", "total used free")
BIG = "x" * 400_000


@pytest.fixture
def reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reading:
    reading = Reading(tmp_path, monkeypatch)
    reading.put(a=BIG)
    return reading


def size_of(reading: Reading) -> int:
    return sum(reading.manifest().files.values())


def test_two_copies_are_asked_for_and_two_are_kept(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = size_of(reading)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 0, 2 * size - 1))
    with pytest.raises(WorkspaceFullError, match="or the reader a larger disk"):
        reading.reader().refresh()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 0, 2 * size))
    reader = reading.reader()
    reader.refresh()
    for number in range(4):
        reading.put(**{f"n{number}": "1"})
        reader.refresh()
        copies = list_files(reading.reader_root)
        stored = sum(512 * path.stat().st_blocks for path in copies.values())
        assert stored < 2.15 * size


def test_the_pages_to_keep_aside_are_asked_for(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = reading.reader()
    reader.refresh()
    reading.put(b="1")
    monkeypatch.setattr(
        handover, "check_free", lambda needed, room: check_free(needed + 10**15, room)
    )
    with pytest.raises(WorkspaceFullError, match="bytes more in"):
        reader.refresh()
    assert served(reader).keys() == {"a"}
    monkeypatch.setattr(handover, "check_free", check_free)
    assert reader.refresh()
    assert served(reader).keys() == {"a", "b"}


@pytest.mark.parametrize(
    "where", ["copies.layers.apply_pack", "reading.turns.write_state", "reading.turns.Handover"]
)
def test_a_disk_that_fills_up_is_named_and_the_refresh_can_be_tried_again(
    reading: Reading, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """The script reader_disk: OSError 28."""
    reader = reading.reader()
    reader.refresh()
    reading.put(b="1")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(f"receipt_index.snapshot.{where}", full)
        with pytest.raises(WorkspaceFullError, match="is full"):
            reader.refresh()
    assert served(reader).keys() == {"a"}
    assert reader.refresh()
    assert served(reader).keys() == {"a", "b"}
