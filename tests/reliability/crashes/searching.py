"""Checks the searches of a reader against plain chromadb on the same bytes and an exact search.

Chroma's graph loses some records, mostly among identical vectors. Such a miss is a defect of the
search, and no lost update. It is counted separately under three conditions:

- Plain chromadb misses in the same graph.
- The files of the graph are the published ones.
- An exact search over the served vectors finds the record.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from receipt_index.reader import Reader
from tests.reliability.crashes.readers.nearest import TOLERANCE, Nearest, agree

Vector: TypeAlias = NDArray[np.float32]


class Plain(Protocol):
    """The version that a reader serves, in plain chromadb. See readers/plain.py."""

    def nearest(self, vector: Any) -> Nearest | None:
        """Return the first hit of a search in the graph that the reader has in memory."""
        ...

    def records(self) -> dict[str, tuple[Any, Any, Any]]:
        """Return vector, metadata and document of every record of the published bytes."""
        ...

    def other_files(self) -> list[str]:
        """Return the names of the reader's files that differ from the published ones."""
        ...


Plainly = Callable[[], AbstractContextManager[Plain]]
"""Opens the version. It is called only for a reader that missed, because it is slow."""


@dataclass
class Searches:
    """The results of the searches for vectors.

    `hits` holds the first hit by the id whose vector was searched for. `graph_misses` holds the ids
    that neither the reader nor plain chromadb finds, although the record exists.
    """

    hits: dict[str, Nearest | None] = field(default_factory=dict)
    graph_misses: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def searched(reader: Reader, wanted: Mapping[str, Vector], plainly: Plainly) -> Searches:
    """Search for the vector of each record, which must be found at distance 0."""
    found = Searches({each: nearest(reader, vector) for each, vector in wanted.items()})
    missed = {each: vector for each, vector in wanted.items() if _is_missed(found.hits[each])}
    found.faults += _not_as_reported(reader, wanted, found.hits)
    if missed:
        held = reader.vectors(list(reader.ids()))
        with plainly() as plain:
            found.faults += [f"{name} is not as published" for name in plain.other_files()]
            found.faults += _other_vectors(held, plain)
            for each, vector in missed.items():
                fault = _fault_of_a_miss(each, vector, found.hits[each], held, plain)
                found.faults += [fault] if fault else []
                found.graph_misses += [] if fault else [each]
    return found


def nearest(reader: Reader, vector: Vector) -> Nearest | None:
    """Return the first hit of a reader's search."""
    hits = reader.search(vector, 1)
    return Nearest(hits[0].record.id, hits[0].distance) if hits else None


def _is_missed(hit: Nearest | None) -> bool:
    return hit is None or not hit.distance <= TOLERANCE


def _not_as_reported(
    reader: Reader, wanted: Mapping[str, Vector], hits: Mapping[str, Nearest | None]
) -> Iterator[str]:
    """Yield the hits whose vector is not at the distance that the search reports."""
    vectors = reader.vectors(sorted({hit.chroma_id for hit in hits.values() if hit}))
    for each, hit in hits.items():
        if hit is None:
            continue
        if hit.chroma_id not in vectors:
            yield f"a search for the vector of {each} finds {hit.chroma_id}, which has no vector"
        elif not abs(_distance(vectors[hit.chroma_id], wanted[each]) - hit.distance) <= TOLERANCE:
            yield f"{hit.chroma_id} is not at the distance that a search for {each} reports"


def _other_vectors(held: Mapping[str, Vector], plain: Plain) -> Iterator[str]:
    """Yield a fault if plain chromadb reads other vectors than the reader."""
    records = plain.records()
    differ = held.keys() ^ records.keys()
    differ |= {
        each
        for each in held.keys() & records.keys()
        if not np.allclose(held[each], records[each][0], atol=TOLERANCE)
    }
    if differ:
        yield f"plain chromadb reads {len(differ)} vectors otherwise, {min(differ)} among them"


def _fault_of_a_miss(
    chroma_id: str,
    vector: Vector,
    hit: Nearest | None,
    held: Mapping[str, Vector],
    plain: Plain,
) -> str | None:
    """Return the reason why a miss is a fault, or None if the graph itself misses."""
    what = f"a search for the vector of {chroma_id} finds nothing at distance 0"
    if chroma_id not in held or not _distance(held[chroma_id], vector) <= TOLERANCE:
        return f"{what}, nor does an exact search"
    other = plain.nearest(vector)
    if not _is_missed(other):
        return f"{what}, and plain chromadb does"
    return None if agree(hit, other) else f"{what}, and plain chromadb finds another record"


def _distance(one: Vector, other: Vector) -> float:
    """Return the cosine distance, computed in float64."""
    a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
    return 1.0 - float(a @ b) / float(np.linalg.norm(a) * np.linalg.norm(b))
