"""Bugs that the campaign must notice, to be planted in every reader."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final
from unittest.mock import patch

from compactor.snapshot import turns
from compactor.snapshot.page_table import PageTable
from compactor.snapshot.reader import SnapshotReader


def marks_that_start_equal() -> AbstractContextManager[Any]:
    """Marks of an earlier process are believed, and every process numbers from the same start."""
    return patch.object(turns, "forget_marks", lambda _: None)


def folder_believed() -> AbstractContextManager[Any]:
    """What lies in the folder is taken for what the state names, without hashing it."""
    return patch.object(PageTable, "salvage", lambda *_: None)


def lock_left_out_of_search() -> AbstractContextManager[Any]:
    """A search does not hold what the swap waits for."""

    def search(self: SnapshotReader, *arguments: Any) -> Any:
        return self._index().search(*arguments)

    return patch.object(SnapshotReader, "search", search)


BUGS: Final = {
    planting.__name__: planting
    for planting in (marks_that_start_equal, folder_believed, lock_left_out_of_search)
}


def planted(name: str | None) -> AbstractContextManager[Any]:
    """Production with the bug of this name in it; with none for None."""
    return nullcontext() if name is None else BUGS[name]()
