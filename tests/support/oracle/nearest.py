"""A second exact search, which compares a query with every record, in float64."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from receipt_index.deltas import Vectors
from receipt_index.records import Match

SAME = 2e-6
"""The difference of two distances that rounding to single precision can cause."""


def check_nearest(
    matches: Sequence[Match], query: Vectors, vectors: Mapping[str, Vectors], limit: int
) -> None:
    """Fail unless the matches are the nearest of the records, in their order."""
    ids = [match.record.id for match in matches]
    assert len(set(ids)) == len(ids), "a record was found twice"
    assert set(ids) <= set(vectors), "a record was found that is not there"
    truth = dict(zip(vectors, _distances(query, list(vectors.values())), strict=True))
    best = sorted(truth.values())[:limit]
    assert len(matches) == len(best), "not as many records were found as there are"
    for match, least in zip(matches, best, strict=True):
        distance = truth[match.record.id]
        assert abs(match.distance - distance) < SAME, "the distance is wrong"
        assert abs(distance - least) < SAME, "a nearer record was left out"


def _distances(query: Vectors, vectors: Sequence[Vectors]) -> npt.NDArray[np.float64]:
    """Return the cosine distances. A vector without a direction is at the distance 1 of any."""
    rows = np.array(vectors, np.float64).reshape(len(vectors), len(query))
    long = query.astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(long)
    products = rows @ long
    cosines = np.zeros_like(products)
    np.divide(products, lengths, out=cosines, where=lengths > 0)
    return 1.0 - cosines
