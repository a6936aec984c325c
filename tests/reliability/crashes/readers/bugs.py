"""Bugs to plant in every reader. The campaign must find them."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final
from unittest.mock import patch

from receipt_index.snapshot.format.page_table import PageTable
from receipt_index.snapshot.reading import turns
from receipt_index.snapshot.reading.reader import SnapshotReader


def marks_that_start_equal() -> AbstractContextManager[Any]:
    """Trust the marks of an earlier process, and let every process number from the same start."""
    return patch.object(turns, "forget_marks", lambda _: None)


def folder_believed() -> AbstractContextManager[Any]:
    """Trust the files in the folder without a check of their hashes."""
    return patch.object(PageTable, "salvage", lambda *_: None)


def lock_left_out_of_search() -> AbstractContextManager[Any]:
    """Search without the lock that the swap waits for."""

    def search(self: SnapshotReader, *arguments: Any) -> Any:
        return self._open_copy().search(*arguments)

    return patch.object(SnapshotReader, "search", search)


BUGS: Final = {
    planting.__name__: planting
    for planting in (marks_that_start_equal, folder_believed, lock_left_out_of_search)
}


def planted(name: str | None) -> AbstractContextManager[Any]:
    """Return production with the named bug, or without a bug for None."""
    return nullcontext() if name is None else BUGS[name]()
