"""New deltas from some rows of another delta."""

from collections.abc import Collection as Group
from random import Random
from typing import Final

from ulid import ULID

from receipt_index.deltas import VectorBatch

RANDOM_BITS: Final = 80
"""A ULID has 48 bits of milliseconds and then 80 random bits. https://github.com/ulid/spec"""


def rows_of(batch: VectorBatch, ids: Group[str], randomness: Random) -> VectorBatch:
    """Return the rows of some ids as a new delta, which is newer than its source.

    The new delta has the source's millisecond. So any delta that a producer has sent in a later
    millisecond is still newer.
    """
    rows = [row for row, chroma_id in enumerate(batch.ids) if chroma_id in ids]
    return VectorBatch(
        later(batch.delta_id, randomness),
        tuple(batch.ids[row] for row in rows),
        batch.vectors[rows],
        tuple(batch.texts[row] for row in rows),
    )


def later(delta_id: str, randomness: Random) -> str:
    """Return a random ULID that is greater than `delta_id`, in the same millisecond if possible.

    The ULID is not simply the next one. A producer counts up when it makes several ULIDs in a
    millisecond, so the next one may belong to another delta.
    """
    number = int(ULID.from_str(delta_id))
    end = ((number >> RANDOM_BITS) + 1) << RANDOM_BITS
    return str(ULID.from_int(randomness.randrange(number + 1, max(end, number + 2))))
