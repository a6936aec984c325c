"""The first hit of a search, and the comparison of two searches."""

from typing import Final, NamedTuple

TOLERANCE: Final = 1e-5
"""Tolerance for a cosine distance in float32."""


class Nearest(NamedTuple):
    """The first hit of a search."""

    chroma_id: str
    distance: float


def agree(one: Nearest | None, other: Nearest | None) -> bool:
    """Return whether two searches found the same record, or records at the same distance.

    Records with the same vector are at the same distance, and either may come first.
    """
    if one is None or other is None:
        return one is other
    same_distance = abs(one.distance - other.distance) <= TOLERANCE
    return one.chroma_id == other.chroma_id or same_distance


def is_found(chroma_id: str, hit: Nearest | None) -> bool:
    """Return whether a search for a record's vector found this record."""
    return hit is not None and hit.chroma_id == chroma_id
