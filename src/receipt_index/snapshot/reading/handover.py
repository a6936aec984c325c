"""The pages that a served copy needs to become the mirror.

A reader has two copies of a snapshot, and they take turns. One copy is served. The other is the
mirror, to which packs are applied. For a new version, Chroma opens the mirror, which changes some
of its pages. The copy that was served until then must become the mirror. So the pages that it lacks
are noted before Chroma opens the mirror. Pages of files that Chroma may write to are copied to a
folder of their own.
"""

import shutil
from pathlib import Path
from typing import Final

from receipt_index.snapshot.copies.mtime_marks import mark_equal, mark_of, stamp
from receipt_index.snapshot.copies.room import check_free
from receipt_index.snapshot.copies.synchronise import difference
from receipt_index.snapshot.format.pages import PAGE_SIZE, copy_pages, list_files

_DATABASE: Final = ".sqlite3"
_SMALL: Final = 2**20
"""Bytes. A file up to this size may belong to a vector index that was never persisted. Chroma may
write to such a file, and to its database.
"""


class Handover:
    """The pages that give the folder `served` the content that `mirror` has at first."""

    def __init__(self, served: Path, mirror: Path, kept: Path) -> None:
        """Note the pages; `kept` is a folder for copies of pages, and is emptied first.

        Raises WorkspaceFullError if the disk can't hold the copies.
        """
        self._served, self._mirror = served, mirror
        self._served_marks, self._mirror_marks = _stamped(served), _stamped(mirror)
        self._pages, _ = difference(served, mirror)
        self._sources = {n: kept if _may_be_written(mirror / n) else mirror for n in self._pages}
        self._keep(kept)

    def apply(self) -> bool:
        """Give `served` the noted content of `mirror`; return False if that is impossible.

        `served` must be closed. It is impossible if something wrote to `served`, or to a file of
        `mirror` that Chroma should not write to.
        """
        if any(mark_of(self._served / name) != mark for name, mark in self._served_marks.items()):
            return False
        if any(
            self._is_written(n) for n, source in self._sources.items() if source == self._mirror
        ):
            return False
        for name, pages in self._pages.items():
            copy_pages(self._sources[name] / name, self._served / name, pages)
        for name in list_files(self._served).keys() - self._mirror_marks.keys():
            (self._served / name).unlink()
        for name in self._mirror_marks:
            if not self._is_written(name):
                mark_equal(self._mirror / name, self._served / name)
        return True

    def _keep(self, kept: Path) -> None:
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir()
        pages = {n: p for n, p in self._pages.items() if self._sources[n] == kept}
        check_free(sum(PAGE_SIZE * len(numbers) for numbers in pages.values()), kept)
        for name, numbers in pages.items():
            copy_pages(self._mirror / name, kept / name, numbers)

    def _is_written(self, name: str) -> bool:
        path = self._mirror / name
        return not path.exists() or mark_of(path) != self._mirror_marks[name]


def _stamped(folder: Path) -> dict[str, int]:
    return {name: stamp(path) for name, path in list_files(folder).items()}


def _may_be_written(path: Path) -> bool:
    return path.name.endswith(_DATABASE) or path.stat().st_size <= _SMALL
