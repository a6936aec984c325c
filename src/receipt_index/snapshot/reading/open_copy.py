"""An open copy of a version: Chroma's index, and the exact search if the version has its files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Generic, Protocol, TypeVar

from receipt_index.deltas import Vectors
from receipt_index.exact.layout import FOLDER, RECORDS, ExactFilesError, explained
from receipt_index.exact.search import ExactSearch
from receipt_index.records import Match, Record
from receipt_sync.keys import Collection

MOST_WORK: Final = 49_000_000
"""The work up to which an exact search takes no longer than a search of Chroma's graph.

Measured on one processor, by the median of 400 searches for ten records: 30,000 rows of 384 floats
take 2.4 ms, and the graph 2.8 ms; 15,000 rows of 1,536 floats take 4.6 ms, and the graph 5.3 ms.
Beyond, the graph is faster, but it finds 60 to 80 % of the nearest records where words repeat.
"""
_COST_OF_A_ROW: Final = 1_200
"""Floats that take the time by which the graph is faster for each row, whatever its dimension."""


class Searchable(Protocol):
    """An index that finds records by their vectors and by a filter."""

    def get(self, ids: Sequence[str]) -> dict[str, Record]: ...

    def count(self) -> int: ...

    def dimension(self) -> int | None: ...

    def matching(self, where: Mapping[str, Any]) -> list[str]: ...

    def search(
        self, vector: Vectors, limit: int, where: Mapping[str, Any] | None = None
    ) -> list[Match]: ...

    def warm_up(self) -> None: ...

    def close(self) -> None: ...


Searched = TypeVar("Searched", bound=Searchable)


class OpenCopy(Generic[Searched]):
    """The open files below a folder. It closes the index if the other files can't be used."""

    def __init__(self, index: Searched, folder: Path, collection: Collection) -> None:
        self.index = index
        self._exact: ExactSearch | None = None
        try:
            self._exact = _exact_search(index, folder / FOLDER, collection)
            self._warm_up()
        except BaseException:
            self.close()
            raise

    @property
    def is_exact(self) -> bool:
        """Return whether a search compares all vectors."""
        return self._exact is not None

    def search(
        self, vector: Vectors, limit: int, where: Mapping[str, Any] | None = None
    ) -> list[Match]:
        """Return the nearest records, nearest first; `where` is a Chroma metadata filter."""
        if self._exact is None:
            return self.index.search(vector, limit, where)
        return self._exact.search(vector, limit, where)

    def close(self) -> None:
        """Close the files."""
        if self._exact is not None:
            self._exact.close()
        self.index.close()

    def _warm_up(self) -> None:
        """Read what a search reads, so that the first one is as fast as later ones.

        An exact search does not need Chroma's graph, which takes more memory than anything else.
        """
        if self._exact is None:
            self.index.warm_up()
        else:
            self._exact.warm_up()


def _exact_search(index: Searchable, folder: Path, collection: Collection) -> ExactSearch | None:
    """Return the exact search; None if the version has no files for it, or is too large.

    Raises SnapshotDamagedError for files that do not fit to the collection.
    """
    if not (folder / RECORDS).exists():
        return None
    try:
        exact = ExactSearch(folder, index.count(), index)
    except ExactFilesError as error:
        raise explained(error, collection) from error
    if exact.header.rows * (exact.header.dimension + _COST_OF_A_ROW) > MOST_WORK:
        exact.close()
        return None
    return exact
