"""A base of any size is written with few blocks in memory (I14)."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from receipt_index.snapshot.copies import base as module
from receipt_index.snapshot.copies.base import blocks_of_zeros, restore_base, write_base
from receipt_index.snapshot.copies.progress import Progress, ignore_progress
from receipt_index.snapshot.format.manifest import BLOCK_SIZE
from tests.support.fakes.snapshots import InMemorySnapshotStore

BLOCKS = 40


class SlowStore(InMemorySnapshotStore):
    """Counts the blocks that were stored, each after a while."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self.stored = 0

    def write(self, name: str, data: bytes) -> None:
        time.sleep(0.2)
        super().write(name, data)
        with self._lock:
            self.stored += 1


def test_a_slow_store_does_not_make_the_blocks_of_a_file_pile_up_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "data_level0.bin").open("wb") as file:
        file.truncate(BLOCKS * BLOCK_SIZE)
    store, read, held = SlowStore(), 0, []
    blocks_of = module._blocks_of

    def counted(path: Path) -> Iterator[bytes]:
        nonlocal read
        for block in blocks_of(path):
            read += 1
            held.append(read - store.stored)
            yield block

    monkeypatch.setattr(module, "_blocks_of", counted)
    base = write_base(tmp_path, store)
    assert len(base.files["data_level0.bin"].blocks) == read == BLOCKS
    assert max(held) <= module._THREADS + 1


@pytest.mark.parametrize("before", [None, b"x" * 30, b"x" * BLOCK_SIZE])
@pytest.mark.parametrize("size", [26, BLOCK_SIZE, BLOCK_SIZE + 26])
def test_a_lost_block_of_zeros_does_not_make_a_version_unreadable(
    tmp_path: Path, size: int, before: bytes | None
) -> None:
    """A cold reader found the zeros in its new file; a reader with other bytes there failed."""
    source, target = tmp_path / "source", tmp_path / "target"
    for folder in (source, target):
        folder.mkdir()
    (source / "zeros").write_bytes(bytes(size))
    store = InMemorySnapshotStore()
    base = write_base(source, store).files
    store.objects.clear()
    if before is not None:
        (target / "zeros").write_bytes(before)
    restore_base(base, target, store, Progress(1, ignore_progress))
    assert (target / "zeros").read_bytes() == bytes(size)


def test_blocks_of_zeros_are_known_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "mixed").write_bytes(bytes(BLOCK_SIZE) + b"x" * BLOCK_SIZE + bytes(5))
    (tmp_path / "text").write_bytes(b"text")
    store = InMemorySnapshotStore()
    files = write_base(tmp_path, store).files
    (first, _, last) = files["mixed"].blocks
    assert blocks_of_zeros(files) == {f"blocks/{first}", f"blocks/{last}"}
