"""Slices and samples of sequences. The same input always gives the same result."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield slices of at most `size` items, in order."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def evenly(items: Sequence[T], at_most: int) -> Sequence[T]:
    """Return `items`, or every n-th of them, so that at most `at_most` are left."""
    return items[:: max(1, -(-len(items) // at_most))]
