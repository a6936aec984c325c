"""Slices and samples of sequences. The same input always gives the same result."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

T = TypeVar("T")

_EXACT: Final = 8
"""The largest size of a slice that `round_batches` does not round."""


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield slices of at most `size` items, in order."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def round_batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield slices of at most `size` items, in order, whose sizes take few different values.

    A slice of more than eight items has a power of two as its size.
    """
    start = 0
    while start < len(items):
        end = start + _rounded(min(size, len(items) - start))
        yield items[start:end]
        start = end


def _rounded(size: int) -> int:
    """Return the largest size of a slice that is not above `size`."""
    return size if size <= _EXACT else 1 << (size.bit_length() - 1)


def evenly(items: Sequence[T], at_most: int) -> Sequence[T]:
    """Return `items`, or every n-th of them, so that at most `at_most` are left."""
    return items[:: max(1, -(-len(items) // at_most))]
