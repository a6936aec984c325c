"""Compare and copy files in pages of 4 KiB.

Whole pages are compared byte by byte. So no digest has to be kept, and none can collide.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from receipt_sync.errors import SnapshotDamagedError

PAGE_SIZE: Final = 4096
_WORDS: Final = PAGE_SIZE // 8
_CHUNK: Final = 4096  # pages compared at a time: 16 MiB of each file
_RUN: Final = 256  # pages copied at a time: 1 MiB


def list_files(folder: Path) -> dict[str, Path]:
    """Return every regular file under a folder, sorted by its path.

    The paths are relative to the folder and have forward slashes.
    """
    found = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    return dict(sorted(found.items()))


def check_sizes(folder: Path) -> None:
    """Raise SnapshotDamagedError for a file that claims far more bytes than it has on disk.

    A kill while hnswlib persists an index leaves link_lists.bin with an apparent size of a
    terabyte.
    """
    for name, path in list_files(folder).items():
        stat = path.stat()
        if stat.st_size > 64 * 2**20 and stat.st_size > 16 * 512 * stat.st_blocks:
            raise SnapshotDamagedError(
                f"{name} claims {stat.st_size} bytes, but most of them are not allocated"
            )


def give_size(path: Path, size: int) -> None:
    """Give a file `size` bytes; create it if needed.

    A file that already has this size is not touched, so it keeps its mark.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.stat().st_size != size:
        with path.open("ab") as file:
            file.truncate(size)


def page_count(size: int) -> int:
    """Return the number of pages of a file of `size` bytes. The last page may be shorter."""
    return -(-size // PAGE_SIZE)


def differing_pages(old: Path, new: Path) -> list[int]:
    """Return the numbers of the pages of `new` that are missing or different in `old`.

    `old` need not exist.
    """
    old_size = old.stat().st_size if old.exists() else 0
    new_size = new.stat().st_size
    whole = min(old_size, new_size) // PAGE_SIZE
    pages = _differing_whole_pages(old, new, whole)
    rest = range(whole, page_count(new_size))
    if old_size == new_size and len(rest) == 1 and _tail(old, whole) == _tail(new, whole):
        rest = range(0)
    return [*pages, *rest]


def copy_pages(source: Path, target: Path, pages: list[int]) -> None:
    """Copy the given pages of `source` to `target`, and give `target` the size of `source`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as reader, target.open("r+b" if target.exists() else "w+b") as writer:
        for start, stop in _runs(pages):
            reader.seek(start * PAGE_SIZE)
            writer.seek(start * PAGE_SIZE)
            writer.write(reader.read((stop - start) * PAGE_SIZE))
        writer.truncate(os.fstat(reader.fileno()).st_size)


def _runs(pages: list[int]) -> Iterator[tuple[int, int]]:
    """Yield spans of consecutive pages as (start, stop), of at most 1 MiB each.

    `pages` must be ascending. `stop` is not part of the span.
    """
    start = stop = -1
    for page in pages:
        if page != stop or stop - start == _RUN:
            if stop > start:
                yield start, stop
            start = page
        stop = page + 1
    if stop > start:
        yield start, stop


def _differing_whole_pages(old: Path, new: Path, count: int) -> list[int]:
    if count == 0:
        return []
    left, right = _mapped(old, count), _mapped(new, count)
    differing: list[int] = []
    for start in range(0, count, _CHUNK):
        stop = min(start + _CHUNK, count)
        unequal = (left[start:stop] != right[start:stop]).any(axis=1)
        differing += (np.flatnonzero(unequal) + start).tolist()
    return differing


def _mapped(path: Path, count: int) -> NDArray[np.uint64]:
    return np.memmap(path, dtype=np.uint64, mode="r", shape=(count, _WORDS))


def _tail(path: Path, page: int) -> bytes:
    with path.open("rb") as file:
        file.seek(page * PAGE_SIZE)
        return file.read()
