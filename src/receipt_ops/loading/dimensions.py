"""The dimension of published vectors."""

from itertools import islice
from typing import Final

from receipt_index.reader import Reader, Readers
from receipt_ops.errors import OtherDimensionError
from receipt_sync.errors import IndexFailedError

_RECORDS_ASKED: Final = 20


def check_dimensions(readers: Readers, dimension: int) -> None:
    """Raise OtherDimensionError if a collection holds vectors of another dimension.

    The compactor sets a delta of another dimension aside, and the sender does not see that.
    """
    held = {name: dimension_of_one(reader) for name, reader in readers.items()}
    wrong = {name: one for name, one in held.items() if one not in (None, dimension)}
    if wrong:
        named = [f"{name} holds vectors of {one} dimensions" for name, one in wrong.items()]
        raise OtherDimensionError(
            f"{', '.join(named)}, but this command makes vectors of {dimension} dimensions: send "
            "vectors of the collection's own model, or use a deployment whose collections are "
            f"empty or hold vectors of {dimension} dimensions"
        )


def dimension_of_one(reader: Reader) -> int | None:
    """Refresh a reader and return the dimension of its vectors; None while it has none."""
    reader.refresh()
    return dimension_of(reader)


def dimension_of(reader: Reader) -> int | None:
    """Return the dimension of a collection's vectors; None while it has none.

    A record that lost its vector makes a call fail, so this reads up to 20 records one by one.
    """
    if not reader.version:
        return None
    for chroma_id in islice(reader.ids(), _RECORDS_ASKED):
        try:
            for vector in reader.vectors([chroma_id]).values():
                return len(vector)
        except IndexFailedError:
            continue  # This record lost its vector. The next record has the same dimension.
    return None
