"""The choice of a dimension for a new collection, if its deltas have several.

A new collection never held a vector. The first delta that the compactor applies decides its
dimension, which stays when the last record is deleted. The bucket
does not say which deltas the compactor refused. So only a person knows which model is the right
one.
"""

from collections.abc import Callable, Mapping

from receipt_ops.errors import AmbiguousDimensionError
from receipt_sync.keys import Collection

ChooseDimension = Callable[[Collection, Mapping[int, int]], int]
"""Returns one of the given dimensions. The mapping gives the number of records of each."""


def most_records(_: Collection, records: Mapping[int, int]) -> int:
    """Return the dimension of most records, and the larger one of two with equal numbers."""
    return max(records, key=lambda dimension: (records[dimension], dimension))


def only_dimension(collection: Collection, records: Mapping[int, int]) -> int:
    """Return the only dimension. Raises AmbiguousDimensionError if there are several."""
    why = f"{collection} never held a vector, and its deltas have several dimensions"
    return _only(records, why, "`receipt-sync repair --dimension`")


def only_dimension_of_restore(collection: Collection, records: Mapping[int, int]) -> int:
    """Do the same for a restore, which counts a record once for each of its deltas."""
    why = (
        f"the restored version of {collection} never held a vector, the published version can't "
        "be read or never held one, and the later deltas have several dimensions"
    )
    return _only(records, why, "--dimension")


def given_dimension(dimension: int) -> ChooseDimension:
    """Return a choice of `dimension` for each collection whose deltas have several."""

    def choose(collection: Collection, records: Mapping[int, int]) -> int:
        if dimension in records:
            return dimension
        if len(records) == 1:
            return next(iter(records))
        raise AmbiguousDimensionError(
            f"no delta of {collection} has {dimension} dimensions: {_named(records)}. "
            "Give one of these with --dimension"
        )

    return choose


def _only(records: Mapping[int, int], why: str, option: str) -> int:
    if len(records) == 1:
        return next(iter(records))
    raise AmbiguousDimensionError(f"{why}: {_named(records)}. Choose one with {option}")


def _named(records: Mapping[int, int]) -> str:
    return ", ".join(f"{dimension} ({count:,} records)" for dimension, count in records.items())
