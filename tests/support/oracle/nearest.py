"""A second exact search, which compares a query with every record, in float64."""

from collections.abc import Mapping, Sequence

import numpy as np

from receipt_index.deltas import Vectors
from receipt_index.records import Match

SAME = 2e-6
"""The difference of two distances that rounding to single precision can cause."""


def distance(one: Vectors, other: Vectors) -> float:
    """Return the cosine distance. A vector without a direction is at the distance 1 of any."""
    long = [np.asarray(vector, np.float64) for vector in (one, other)]
    lengths = float(np.linalg.norm(long[0]) * np.linalg.norm(long[1]))
    return 1.0 if lengths == 0 else 1.0 - float(long[0] @ long[1]) / lengths


def check_nearest(
    matches: Sequence[Match], query: Vectors, vectors: Mapping[str, Vectors], limit: int
) -> None:
    """Fail unless the matches are the nearest of the records, in their order."""
    ids = [match.record.id for match in matches]
    assert len(set(ids)) == len(ids), "a record was found twice"
    assert set(ids) <= set(vectors), "a record was found that is not there"
    best = sorted(distance(query, vector) for vector in vectors.values())[:limit]
    assert len(matches) == len(best)
    for match, least in zip(matches, best, strict=True):
        truth = distance(query, vectors[match.record.id])
        assert abs(match.distance - truth) < SAME, "the distance is wrong"
        assert abs(truth - least) < SAME, "a nearer record was left out"
