"""index_metadata.pickle is the only file of a snapshot that could hold code.

The manifest holds the digest of each block and pack, and only the compactor writes the manifest. An
altered file in the bucket therefore never reaches Chroma. If it did, the embedded engine would read
the pickle without running it.
"""

import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from receipt_index.chroma import ChromaIndex
from receipt_index.snapshot.copies.mirror import Mirror
from receipt_index.snapshot.format.compression import compress, decompress
from receipt_index.snapshot.format.manifest import BLOCK_SIZE
from receipt_index.snapshot.reading.reader import SnapshotReader
from receipt_sync.errors import IndexFailedError, SnapshotDamagedError
from receipt_sync.keys import Collection
from tests.support.data.make_chroma_snapshot import DATA, PREFIX
from tests.support.fakes.snapshots import InMemorySnapshotStore

NAME = "index_metadata.pickle"
FOLDER = sorted(DATA.glob(f"{PREFIX}*"))[-1] / "objects"


class Bomb:
    """An object that creates a folder when Python unpickles it."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self._mark),)


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "it-ran"


@pytest.fixture
def store() -> InMemorySnapshotStore:
    found = InMemorySnapshotStore()
    for path in FOLDER.rglob("*"):
        if path.is_file() and path.name != "manifest.json":
            found.objects[path.relative_to(FOLDER).as_posix()] = path.read_bytes()
    found.data = (FOLDER / "manifest.json").read_bytes()
    return found


def holding_pickles(store: InMemorySnapshotStore, folder: Path) -> list[str]:
    """Return the objects that contain the pickle of the newest version."""
    mirror = Mirror(store, Collection.LINES, folder)
    mirror.refresh()
    assert mirror.manifest is not None
    (path,) = folder.rglob(NAME)
    parts = [path.read_bytes()[start : start + 40] for start in (0, 4096)]
    needed = mirror.manifest.objects
    unpacked = {name: decompress(store.objects[name], 2**28, name) for name in needed}
    return [name for name, data in unpacked.items() if any(part and part in data for part in parts)]


def test_the_bomb_goes_off_in_python(mark: Path) -> None:
    pickle.loads(pickle.dumps(Bomb(mark)))
    assert mark.exists()


def test_a_pickle_altered_in_the_bucket_is_refused_before_chroma_opens_it(
    store: InMemorySnapshotStore, mark: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = holding_pickles(store, tmp_path / "first")
    assert objects
    opened: list[Path] = []
    monkeypatch.setattr(
        "receipt_index.snapshot.reading.reader.ChromaIndex", lambda path, _: opened.append(path)
    )
    for name in objects:
        altered = InMemorySnapshotStore()
        altered.data, altered.objects = store.data, dict(store.objects)
        content = decompress(store.objects[name], 2**28, name)
        bomb = pickle.dumps(Bomb(mark))
        altered.objects[name] = compress((bomb + content)[: min(len(content), BLOCK_SIZE)])
        with (
            SnapshotReader(altered, Collection.LINES, tmp_path / "reader") as reader,
            pytest.raises(SnapshotDamagedError, match="can't be read"),
        ):
            reader.refresh()
    assert opened == []
    assert not mark.exists()


def test_a_pickle_that_chroma_itself_is_given_is_read_without_running_it(
    store: InMemorySnapshotStore, mark: Path, tmp_path: Path
) -> None:
    """Chroma opens the file without this project's checks. If an upgrade of Chroma fails here,
    docs/deployment/security.md and SECURITY.md must say so."""
    folder = tmp_path / "opened"
    Mirror(store, Collection.LINES, folder).refresh()
    (path,) = folder.rglob(NAME)
    path.write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(IndexFailedError, match="open failed"):
        ChromaIndex(folder, Collection.LINES)
    assert not mark.exists()
