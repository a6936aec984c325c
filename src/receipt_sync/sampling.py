"""Take an even sample of a sequence. The same input gives the same sample."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def evenly(items: Sequence[T], at_most: int) -> Sequence[T]:
    """Return `items`, or every n-th of them, so that at most `at_most` are left."""
    return items[:: max(1, -(-len(items) // at_most))]
