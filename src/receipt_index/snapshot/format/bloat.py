"""Tell from the elements of an index whether a new index of the same records is due."""

from typing import Final

REBUILD_SHARE: Final = 1.5
"""Elements a record above which a new generation is made.

A rebuild then costs as much as a fixed multiple of the changes that made it necessary.
"""
REBUILD_FLOOR: Final = 1_000
"""Elements below which no generation is made.

Chroma writes its graph after a thousand changes, so the elements of a smaller index are hardly
known. A rebuild of so few records also saves less than the base costs that it publishes.
"""


def is_due(elements: int, records: int) -> bool:
    """Return whether an index with so many elements needs a new generation.

    An index without a record keeps its dimension, which a new generation would lose.
    """
    return bool(records) and elements >= REBUILD_FLOOR and elements > REBUILD_SHARE * records
