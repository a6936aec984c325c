"""Readers of FileIndex snapshots in memory, and their sudden ends."""

import os
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from receipt_index.snapshot.copies import mtime_marks
from receipt_index.snapshot.copies.working_copy import WorkingCopy
from receipt_index.snapshot.format.manifest import block_name
from receipt_index.snapshot.reading import reader as module
from receipt_index.snapshot.reading.reader import SnapshotReader
from receipt_sync.errors import IndexFailedError
from receipt_sync.keys import Collection
from tests.support.fakes.files import FileIndex
from tests.unit.receipt_index.snapshot.setting import Setting


class Reading(Setting):
    """A snapshot with one writer, and readers on one root."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(root)
        self._patch, self._marks_of_writer = monkeypatch, _marks()
        self._patch.setattr(module, "ChromaIndex", FileIndex)
        self.reader_root = root / "reader"
        self.writer: WorkingCopy = self.copy("writer")

    def put(self, **records: str) -> None:
        """Publish these records in addition, as another process, which has marks of its own."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(mtime_marks, "_marks", self._marks_of_writer)
            self.publish(self.writer, **records)

    def block(self, place: int) -> str:
        """The object of one block of the present base, in the order of fetching."""
        files = self.manifest().base.values()
        return block_name([digest for file in files for digest in file.blocks][place])

    def reader(self, root: Path | None = None) -> SnapshotReader:
        """A reader that has fetched nothing yet."""
        return SnapshotReader(self.store, Collection.LINES, root or self.reader_root)

    def process(self) -> SnapshotReader:
        """A reader of a new process: its marks begin as those of every process do."""
        self._patch.setattr(mtime_marks, "_marks", _marks())
        return self.reader()


def _marks() -> "count[int]":
    return count(mtime_marks._FIRST_S, mtime_marks._STEP_S)


def served(reader: SnapshotReader) -> dict[str, str]:
    """The records that the reader's open index holds."""
    serving = reader._serving
    assert serving is not None
    index: Any = serving.index
    records: dict[str, str] = index.records
    return records


def kill(reader: SnapshotReader) -> None:
    """End the reader's process: nothing is closed or removed, and its lock is free again."""
    place = getattr(reader, "_place", None)
    if place is not None:  # at 0362e31 a reader had no lock
        os.close(place.slot._descriptor)


class FailingStore:
    """Notes what is fetched. The first read of the object `failing` fails with an error."""

    def __init__(
        self, setting: Setting, failing: str | None = None, error: BaseException | None = None
    ) -> None:
        self._read, self._failing, self._error = setting.store.read, failing, error
        setting.store.read = self.read  # type: ignore[method-assign]
        self.fetched: list[str] = []

    def read(self, name: str, at_most: int) -> bytes:
        if name == self._failing and self._error is not None:
            self._failing = None
            raise self._error
        self.fetched.append(name)
        return self._read(name, at_most)


class CloseFails(FileIndex):
    """An index that can't be closed."""

    def close(self) -> None:
        raise IndexFailedError("Chroma's close failed: RuntimeError")
