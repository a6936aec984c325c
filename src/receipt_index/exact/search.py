"""The exact search of a reader: the distinct vectors are compared, and then expanded to records."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import numpy as np

from receipt_index.deltas import Vectors
from receipt_index.exact.layout import RECORDS, VECTORS, ExactFilesError, Header, check
from receipt_index.exact.ranking import Ranked, all_by_distance, distances, nearest
from receipt_index.exact.record_table import UNREADABLE, RecordTable
from receipt_index.exact.unit import unit
from receipt_index.exact.vector_file import mapped
from receipt_index.records import Match, Record
from receipt_sync.errors import IndexFailedError

_MARGIN: Final = 4
"""How many times the expected number of records is compared with a filter, before the search
resolves the filter to rows.
"""


class Filtered(Protocol):
    """The records of a collection, and the ids that pass a filter."""

    def get(self, ids: Sequence[str]) -> dict[str, Record]: ...

    def matching(self, where: Mapping[str, Any]) -> list[str]: ...


class _Hit(NamedTuple):
    """A record and its distance."""

    id: str
    distance: float


class ExactSearch:
    """The open files of one version, for one search at a time."""

    def __init__(self, folder: Path, records: int, index: Filtered) -> None:
        """Open and check the files of a collection with this number of records.

        Raises ExactFilesError for files that do not fit.
        """
        self._index = index
        self._table = RecordTable.read_only(folder / RECORDS)
        try:
            self.header: Header = self._table.header
            check(folder, self.header, records)
            self._matrix = mapped(folder / VECTORS, self.header.rows, self.header.dimension)
        except BaseException as error:
            self._table.close()
            if isinstance(error, OSError):
                raise ExactFilesError(f"{VECTORS} can't be read") from error
            raise

    def search(
        self, vector: Vectors, limit: int, where: Mapping[str, Any] | None = None
    ) -> list[Match]:
        """Return the nearest records, nearest first; `where` is a Chroma metadata filter.

        Records at the same distance are in the order of their rows, and those of one row in the
        order of their ids. Raises IndexFailedError.
        """
        if limit < 1:
            raise IndexFailedError(f"a search for {limit} records: ask for one or more")
        with _readable():
            hits = self._hits(vector, limit, where)
        records = self._index.get([hit.id for hit in hits])
        if len(records) != len(hits):
            raise IndexFailedError("the exact search names a record that the collection lacks")
        return [Match(records[hit.id], hit.distance) for hit in hits]

    def warm_up(self) -> None:
        """Read all vectors once, so that the first search is as fast as later ones."""
        if len(self._matrix):
            self.search(np.ones(self.header.dimension, np.float32), 1)

    def close(self) -> None:
        """Close the files."""
        self._matrix = np.empty((0, self.header.dimension), np.float32)
        self._table.close()

    def _hits(self, vector: Vectors, limit: int, where: Mapping[str, Any] | None) -> list[_Hit]:
        if where:
            allowed = self._index.matching(where)
            if not allowed:
                return []
        if not self.header.records:
            return []
        found = distances(self._matrix, self._query(vector))
        if not where:
            return list(islice(self._expanded(nearest(found, limit)), limit))
        return self._allowed(found, limit, allowed)

    def _query(self, vector: Vectors) -> Vectors:
        query = np.asarray(vector, np.float32)
        if query.shape != (self.header.dimension,):
            raise IndexFailedError(
                f"a search for a vector of the shape {query.shape}: the collection's vectors have "
                f"{self.header.dimension} dimensions"
            )
        if not np.isfinite(query).all():
            raise IndexFailedError("a search for a vector with NaN or infinity")
        return unit(query)

    def _expanded(self, rows: Iterator[Ranked] | list[Ranked]) -> Iterator[_Hit]:
        """Yield the records of the rows."""
        for row, distance in rows:
            for chroma_id in self._table.ids_of(row):
                yield _Hit(chroma_id, distance)

    def _allowed(self, found: Vectors, limit: int, allowed: Sequence[str]) -> list[_Hit]:
        """Return the nearest of the records `allowed`.

        If many are allowed, the first ones in the order of their distance soon are enough. If few
        are, it takes less time to look up the rows of all of them.
        """
        expected = limit * self.header.records // len(allowed)
        if expected < len(allowed):
            hits = self._walk(found, limit, frozenset(allowed), _MARGIN * expected)
            if len(hits) == limit:
                return hits
        return self._resolve(found, limit, allowed)

    def _walk(
        self, found: Vectors, limit: int, allowed: frozenset[str], at_most: int
    ) -> list[_Hit]:
        """Return the nearest allowed records among the first `at_most` of all records."""
        walked = islice(self._expanded(all_by_distance(found)), at_most)
        return list(islice((hit for hit in walked if hit.id in allowed), limit))

    def _resolve(self, found: Vectors, limit: int, allowed: Sequence[str]) -> list[_Hit]:
        """Return the nearest of the records `allowed`, by the rows of all of them."""
        rows = self._table.rows_of(allowed)
        ids, places = list(rows), np.fromiter(rows.values(), np.int64, len(rows))
        order = [(float(found[row]), int(row), i) for i, row in zip(ids, places, strict=True)]
        return [_Hit(i, max(0.0, distance)) for distance, _, i in sorted(order)[:limit]]


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except UNREADABLE as error:
        raise IndexFailedError(
            f"the exact search can't read its records: {type(error).__name__}"
        ) from error
