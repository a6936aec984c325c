"""The quality of a search: the answers of the index, compared with an exact search.

An approximate index can hold every record and still not find it. So every distinct vector of a
collection is searched for, and each answer is compared with the exact nearest neighbours. Records
with equal vectors are equally near, so any of them counts. The exact search uses the vectors that
the reader returns, and never a distance that the index computed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any, Final, Protocol

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
_COMPARED_AT_ONCE: Final = 16_384
"""Rows of the exact search in one matrix product. With 256 queries it takes 17 MB."""
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

    @property
    def mean(self) -> float | None:
        """Return recall@10, from 0 to 1; None without a search."""
        return self.hits / self.searched if self.searched else None

    @property
    def is_good(self) -> bool:
        """Return whether the recall reaches the limit, and every vector was found."""
        if self.missed or self.unreadable:
            return False
        return self.mean is None or self.mean >= RECALL_LIMIT

    def to_json(self) -> dict[str, Any]:
        return {
            "version": self.version,
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
    """The distinct vectors of a collection with length 1, in a file, so that they need no memory.

    A vector of length 0 stays as it is. Its cosine with every other vector counts as 0.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._dimension = 0
        self.ids: list[str] = []
        """The id of one record of each vector."""
        self.counts: list[int] = []
        """The number of records of each vector."""
        self.unreadable: list[str] = []
        """The ids of the records whose vectors cannot be read."""

    def read(self, index: Searched, advance: Advance) -> None:
        """Read all vectors of an index."""
        rows: dict[bytes, int] = {}
        with self._path.open("wb") as file:
            for ids in _in_batches(index.ids(), _READ_AT_ONCE):
                vectors = _vectors(index, ids, self.unreadable)
                for chroma_id, vector in vectors.items():
                    unit = _unit(vector)
                    content = unit.tobytes()
                    digest = blake2b(content, digest_size=16).digest()
                    row = rows.setdefault(digest, len(rows))
                    if row == len(self.ids):
                        self.ids.append(chroma_id)
                        self.counts.append(0)
                        file.write(content)
                        self._dimension = len(unit)
                    self.counts[row] += 1
                advance(len(ids))

    @property
    def matrix(self) -> Floats:
        """Return all vectors, one in a row, mapped from the file."""
        shape = (len(self.ids), self._dimension)
        if not self.ids:
            return np.zeros(shape, np.float32)
        return np.memmap(self._path, np.float32, "r", shape=shape)

    def least_cosines(self, queries: Floats) -> npt.NDArray[np.float64]:
        """Return, for each query, the cosine of the last of its ten nearest records."""
        nearest = np.empty((len(queries), 0), np.float32)
        counts = np.empty((len(queries), 0), np.int64)
        all_counts = np.array(self.counts, np.int64)
        matrix = self.matrix
        for start in range(0, len(matrix), _COMPARED_AT_ONCE):
            some = slice(start, start + _COMPARED_AT_ONCE)
            cosines = queries @ matrix[some].T
            nearest = np.hstack([nearest, cosines])
            counts = np.hstack([counts, np.broadcast_to(all_counts[some], cosines.shape)])
            order = np.argsort(-nearest, axis=1)[:, :NEIGHBOURS]
            nearest = np.take_along_axis(nearest, order, 1)
            counts = np.take_along_axis(counts, order, 1)
        wanted = min(NEIGHBOURS, int(all_counts.sum()))
        last = (np.cumsum(counts, axis=1) >= wanted).argmax(axis=1)
        return np.take_along_axis(nearest, last[:, None], 1)[:, 0].astype(np.float64)


def measure(
    recall: Recall,
    index: Searched,
    distinct: DistinctVectors,
    chosen: Sequence[int],
    examples: int,
    advance: Advance = lambda _: None,
) -> None:
    """Search for the vectors in the `chosen` rows, and add the results to `recall`."""
    recall.distinct, recall.unreadable = len(distinct.ids), len(distinct.unreadable)
    recall.examples += distinct.unreadable[:examples]
    wanted = min(NEIGHBOURS, sum(distinct.counts))
    for rows in batches(chosen, _SEARCHED_AT_ONCE):
        queries = np.ascontiguousarray(distinct.matrix[list(rows)])
        answers = [_ids(index.search(query, NEIGHBOURS)) for query in queries]
        vectors = _units(index, {i for answer in answers for i in answer})
        leasts = distinct.least_cosines(queries)
        for row, query, answer, least in zip(rows, queries, answers, leasts, strict=True):
            if not query.any():
                continue  # Nothing is near to a vector without a direction.
            cosines = [float(np.dot(query, vectors[i])) for i in answer if i in vectors]
            found = max(cosines, default=-1.0) >= 1 - _SAME
            if not found and _has_changed(index, distinct.ids[row], query):
                continue
            recall.searched += 1
            near = sum(cosine >= least - _SAME for cosine in cosines)
            recall.hits += min(near, wanted) / wanted
            if not found:
                recall.missed += 1
                if len(recall.examples) < examples:
                    recall.examples.append(distinct.ids[row])
        advance(len(rows))


def chosen_rows(count: int, share: float | None, randomness: Random) -> Sequence[int]:
    """Return all rows, or a random share of them. A share of any rows has at least one."""
    if share is None or not count:
        return range(count)
    return sorted(randomness.sample(range(count), max(1, round(share * count))))


def _has_changed(index: Searched, chroma_id: str, vector: Floats) -> bool:
    """Return whether a record has another vector now. A Chroma server changes meanwhile."""
    now = _units(index, {chroma_id}).get(chroma_id)
    return now is None or float(np.dot(now, vector)) < 1 - _SAME


def _ids(matches: Sequence[Match]) -> set[str]:
    return {match.record.id for match in matches}


def _units(index: Searched, ids: set[str]) -> dict[str, Floats]:
    found: dict[str, Floats] = {}
    for some in batches(sorted(ids), _READ_AT_ONCE):
        for chroma_id, vector in _vectors(index, some, []).items():
            found[chroma_id] = _unit(vector)
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


def _unit(vector: Vectors) -> Floats:
    """Return a vector with length 1, or with length 0 if it has no direction."""
    long = vector.astype(np.float64)
    length = float(np.linalg.norm(long))
    return (long / (length or 1)).astype(np.float32)


def _in_batches(ids: Iterator[str], size: int) -> Iterator[list[str]]:
    some: list[str] = []
    for chroma_id in ids:
        some.append(chroma_id)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some
