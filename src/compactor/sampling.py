"""Few out of many, taken evenly, so that the same input gives the same choice."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def evenly(items: Sequence[T], at_most: int) -> Sequence[T]:
    """All of `items`, or every n-th of them, so that no more than `at_most` are left."""
    return items[:: max(1, -(-len(items) // at_most))]
