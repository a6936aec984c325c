"""Rows of a delta as a delta of their own."""

from collections.abc import Collection as Group
from random import Random
from typing import Final

from ulid import ULID

from compactor.deltas import VectorBatch

_RANDOM_BITS: Final = 80
"""Of a ULID, after the 48 bits of its millisecond. https://github.com/ulid/spec"""


def rows_of(batch: VectorBatch, ids: Group[str], randomness: Random) -> VectorBatch:
    """Return the rows of some ids as a new delta, which counts as newer than its source.

    It is of the source's millisecond, so whatever a producer has sent since still wins.
    """
    rows = [row for row, chroma_id in enumerate(batch.ids) if chroma_id in ids]
    return VectorBatch(
        later(batch.delta_id, randomness),
        tuple(batch.ids[row] for row in rows),
        batch.vectors[rows],
        tuple(batch.texts[row] for row in rows),
    )


def later(delta_id: str, randomness: Random) -> str:
    """Return a random ULID that is greater than this one, of the same millisecond if one is left.

    The next ULID is not free for the taking: a producer that makes several in a millisecond counts
    up, so that may be the object of another delta.
    """
    number = int(ULID.from_str(delta_id))
    end = ((number >> _RANDOM_BITS) + 1) << _RANDOM_BITS
    return str(ULID.from_int(randomness.randrange(number + 1, max(end, number + 2))))
