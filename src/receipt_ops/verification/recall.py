"""The quality of a search: the answers of the index, compared with an exact search.

An approximate index can hold every record and still not find it. So every distinct vector of a
collection is searched for, and each answer is compared with the exact nearest neighbours. Records
with equal vectors are equally near, so any of them counts. The exact search uses the vectors that
the reader returns, and never a distance that the index computed.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, BinaryIO, Final, Protocol

import numpy as np
import numpy.typing as npt

from receipt_index.deltas import Vectors
from receipt_index.records import Match
from receipt_sync.errors import IndexFailedError
from receipt_sync.keys import Collection
from receipt_sync.sequences import batches

RECALL_LIMIT: Final = 0.999
"""The recall that every search must reach."""
NEIGHBOURS: Final = 10
"""The number of nearest records that a search asks for, as in recall@10."""
_READ_AT_ONCE: Final = 500
_SEARCHED_AT_ONCE: Final = 256
_COMPARED_AT_ONCE: Final = 4_096
"""Rows of the exact search in one matrix product. With 256 queries it takes 4 MB."""
_SAME: Final = 1e-5
"""The difference of two cosines that rounding can cause in single precision, with a margin."""

Floats = npt.NDArray[np.float32]
Advance = Callable[[int], object]


class Searched(Protocol):
    """A published collection whose search is compared."""

    def ids(self) -> Iterator[str]: ...

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]: ...

    def search(self, vector: Vectors, limit: int) -> list[Match]: ...


@dataclass
class Recall:
    """Holds the quality of one collection's search. `searched` counts distinct vectors.

    `missed` counts those for which no record of the same vector was among the ten answers.
    `unreadable` counts records without a readable vector. `examples` holds the id of one record of
    each missed vector, and of unreadable ones, for the first few.
    """

    version: int = 0
    records: int = 0
    distinct: int = 0
    searched: int = 0
    missed: int = 0
    unreadable: int = 0
    examples: list[str] = field(default_factory=list)
    hits: float = 0.0
    """The sum of the recalls of all searches."""
    is_exact: bool = False
    """Whether the reader compares all vectors, and does not use Chroma's graph."""

    @property
    def mean(self) -> float | None:
        """Return recall@10, from 0 to 1; None without a search."""
        return self.hits / self.searched if self.searched else None

    @property
    def is_good(self) -> bool:
        """Return whether the recall reaches the limit, and every vector was found."""
        if self.missed or self.unreadable:
            return False
        # Without a search, only a collection without a record has no fault.
        return not self.records if self.mean is None else self.mean >= RECALL_LIMIT

    def to_json(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "exact_search": self.is_exact,
            "records": self.records,
            "distinct_vectors": self.distinct,
            "searched": self.searched,
            f"recall_at_{NEIGHBOURS}": self.mean,
            "missed": self.missed,
            "unreadable": self.unreadable,
            "examples": self.examples,
        }


@dataclass(frozen=True)
class SearchVerdict:
    """Holds the quality of the search of each collection."""

    recalls: Mapping[Collection, Recall]
    seconds: float

    @property
    def is_good(self) -> bool:
        """Return whether the search of every collection is good enough."""
        return all(recall.is_good for recall in self.recalls.values())

    def to_json(self) -> dict[str, Any]:
        return {
            "good": self.is_good,
            "seconds": round(self.seconds, 3),
            "collections": {name.value: recall.to_json() for name, recall in self.recalls.items()},
        }


class DistinctVectors:
    """The distinct vectors of a collection with length 1, in files of a folder.

    Memory holds one batch of them at a time.

    A vector of length 0 stays as it is. Its cosine with every other vector counts as 0.
    """

    def __init__(self, folder: Path) -> None:
        self._vectors, self._counts = folder / "vectors", folder / "counts"
        self._rows = sqlite3.connect(folder / "rows", isolation_level=None)
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute("PRAGMA synchronous = OFF")
        self._rows.execute(
            "CREATE TABLE rows (row INTEGER PRIMARY KEY, digest BLOB UNIQUE, id TEXT, records INT)"
        )
        self._dimension = 0
        self.count = 0
        """The number of distinct vectors."""
        self.records = 0
        """The number of records with a readable vector."""
        self.unreadable = 0
        """The number of records whose vectors cannot be read."""
        self.examples: list[str] = []
        """The ids of the first few of them."""

    def read(self, index: Searched, advance: Advance, examples: int = 0) -> None:
        """Read all vectors of an index."""
        with self._vectors.open("wb") as file:
            all_ids = index.ids()
            while ids := list(islice(all_ids, _READ_AT_ONCE)):
                unreadable: list[str] = []
                vectors = _vectors(index, ids, unreadable)
                self._rows.execute("BEGIN")
                for chroma_id, vector in vectors.items():
                    self._add(chroma_id, unit(vector), file)
                self._rows.execute("COMMIT")
                self.unreadable += len(unreadable)
                self.examples += unreadable[: max(0, examples - len(self.examples))]
                advance(len(ids))
        with self._counts.open("wb") as file:
            for (count,) in self._rows.execute("SELECT records FROM rows ORDER BY row"):
                file.write(np.int64(count).tobytes())

    def id_of(self, row: int) -> str:
        """Return the id of one record of a row's vector."""
        found = self._rows.execute("SELECT id FROM rows WHERE row = ?", (row,)).fetchone()
        return str(found[0])

    def close(self) -> None:
        """Close the files."""
        self._rows.close()

    @property
    def matrix(self) -> Floats:
        """Return all vectors, one in a row, mapped from the file."""
        shape = (self.count, self._dimension)
        if not self.count:
            return np.zeros(shape, np.float32)
        return np.memmap(self._vectors, np.float32, "r", shape=shape)

    def least_cosines(self, queries: Floats) -> npt.NDArray[np.float64]:
        """Return, for each query, the cosine of the last of its ten nearest records."""
        nearest = np.empty((len(queries), 0), np.float32)
        counts = np.empty((len(queries), 0), np.int64)
        all_counts = np.memmap(self._counts, np.int64, "r", shape=(self.count,))
        matrix = self.matrix
        for start in range(0, len(matrix), _COMPARED_AT_ONCE):
            some = slice(start, start + _COMPARED_AT_ONCE)
            cosines = queries @ matrix[some].T
            best = _highest(cosines)
            nearest = np.hstack([nearest, np.take_along_axis(cosines, best, 1)])
            counts = np.hstack([counts, all_counts[some][best]])
            order = np.argsort(-nearest, axis=1)[:, :NEIGHBOURS]
            nearest = np.take_along_axis(nearest, order, 1)
            counts = np.take_along_axis(counts, order, 1)
        last = (np.cumsum(counts, axis=1) >= min(NEIGHBOURS, self.records)).argmax(axis=1)
        return np.take_along_axis(nearest, last[:, None], 1)[:, 0].astype(np.float64)

    def _add(self, chroma_id: str, vector: Floats, file: BinaryIO) -> None:
        content = vector.tobytes()
        digest = blake2b(content, digest_size=16).digest()
        self.records += 1
        added = self._rows.execute(
            "INSERT OR IGNORE INTO rows VALUES (?, ?, ?, 1)", (self.count, digest, chroma_id)
        )
        if added.rowcount:
            file.write(content)
            self.count, self._dimension = self.count + 1, len(vector)
        else:
            self._rows.execute("UPDATE rows SET records = records + 1 WHERE digest = ?", (digest,))


def measure(
    recall: Recall,
    index: Searched,
    distinct: DistinctVectors,
    chosen: Iterable[int],
    examples: int,
    advance: Advance = lambda _: None,
) -> None:
    """Search for the vectors in the `chosen` rows, and add the results to `recall`."""
    recall.distinct, recall.unreadable = distinct.count, distinct.unreadable
    recall.examples += distinct.examples[:examples]
    wanted = min(NEIGHBOURS, distinct.records)
    left = iter(chosen)
    while rows := list(islice(left, _SEARCHED_AT_ONCE)):
        queries = np.ascontiguousarray(distinct.matrix[rows])
        answers = [_ids(index.search(query, NEIGHBOURS)) for query in queries]
        vectors = _units(index, {i for answer in answers for i in answer})
        leasts = distinct.least_cosines(queries)
        for row, query, answer, least in zip(rows, queries, answers, leasts, strict=True):
            if not query.any():
                continue  # Nothing is near to a vector without a direction.
            cosines = [float(np.dot(query, vectors[i])) for i in answer if i in vectors]
            recall.searched += 1
            near = sum(cosine >= least - _SAME for cosine in cosines)
            recall.hits += min(near, wanted) / wanted
            if max(cosines, default=-1.0) < 1 - _SAME:
                recall.missed += 1
                if len(recall.examples) < examples:
                    recall.examples.append(distinct.id_of(row))
        advance(len(rows))


def chosen_rows(count: int, share: float | None, randomness: Random) -> Iterator[int]:
    """Yield all rows, or a random share of them. A share of any rows has at least one."""
    if share is None or not count:
        yield from range(count)
        return
    certain = randomness.randrange(count)
    for row in range(count):
        if randomness.random() < share or row == certain:
            yield row


def _highest(cosines: Floats) -> npt.NDArray[np.int64]:
    """Return the columns of the ten highest cosines of each row, in any order."""
    if cosines.shape[1] <= NEIGHBOURS:
        return np.broadcast_to(np.arange(cosines.shape[1]), cosines.shape)
    return np.argpartition(-cosines, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]


def _ids(matches: Sequence[Match]) -> set[str]:
    return {match.record.id for match in matches}


def _units(index: Searched, ids: set[str]) -> dict[str, Floats]:
    found: dict[str, Floats] = {}
    for some in batches(sorted(ids), _READ_AT_ONCE):
        for chroma_id, vector in _vectors(index, some, []).items():
            found[chroma_id] = unit(vector)
    return found


def _vectors(index: Searched, ids: Sequence[str], unreadable: list[str]) -> dict[str, Vectors]:
    """Return the vectors of the records that exist. Add the ids without a readable one to a list.

    Chroma fails a read of many vectors if one of them is lost.
    """
    try:
        return index.vectors(ids)
    except IndexFailedError:
        if len(ids) == 1:
            unreadable += ids
            return {}
    half = len(ids) // 2
    return _vectors(index, ids[:half], unreadable) | _vectors(index, ids[half:], unreadable)


def unit(vector: Vectors) -> Floats:
    """Return a vector with length 1, or with length 0 if it has no direction."""
    long = vector.astype(np.float64)
    length = float(np.linalg.norm(long))
    return (long / (length or 1)).astype(np.float32)
