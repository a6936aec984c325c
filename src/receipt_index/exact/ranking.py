"""The rows that are nearest to a vector, which is compared with all rows."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from receipt_index.exact.unit import Floats

_FIRST: Final = 64
_GROWTH: Final = 8


class Ranked(NamedTuple):
    """A row, and the cosine distance of its vector."""

    row: int
    distance: float


def distances(matrix: Floats, query: Floats) -> Floats:
    """Return the cosine distance of each row from a query. All have length 1, 0, or hold NaN.

    The result is the only memory that is needed: four bytes for each row.
    """
    # A matrix product would take all processors, and waits for milliseconds if one of them is busy.
    with np.errstate(all="ignore"):  # of a damaged file
        cosines = np.vecdot(matrix, query)
    found: Floats = np.subtract(np.float32(1), cosines, out=cosines)
    return found


def nearest(found: Floats, limit: int) -> list[Ranked]:
    """Return the `limit` nearest rows, nearest first, and the lower row first if both are equal.

    A row of NaN is no result.
    """
    return _sorted(found, _candidates(found, limit))[:limit]


def all_by_distance(found: Floats) -> Iterator[Ranked]:
    """Yield all rows in the order of `nearest`. Only as many are sorted as are taken."""
    done, limit = 0, _FIRST
    while True:
        some = nearest(found, limit)
        yield from some[done:]
        if len(some) < limit:
            return
        done, limit = limit, limit * _GROWTH


def _candidates(found: Floats, limit: int) -> NDArray[np.intp]:
    """Return every row that is as near as one of the `limit` nearest."""
    if limit >= len(found):
        return np.flatnonzero(~np.isnan(found))
    some = found[np.argpartition(found, limit - 1)[:limit]]  # NaN counts as the largest number
    some = some[~np.isnan(some)]
    return np.flatnonzero(found <= some.max()) if len(some) else np.empty(0, np.intp)


def _sorted(found: Floats, rows: NDArray[np.intp]) -> list[Ranked]:
    order = np.argsort(found[rows], kind="stable")
    return [Ranked(int(row), max(0.0, float(found[row]))) for row in rows[order]]
