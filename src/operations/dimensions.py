"""The dimension of the vectors that are published."""

from itertools import islice
from typing import Final

from operations.errors import OtherDimensionError
from operations.readers import Reader, Readers
from receipt_sync.errors import IndexFailedError

_RECORDS_ASKED: Final = 20


def check_dimensions(readers: Readers, dimension: int) -> None:
    """Raise OtherDimensionError if a collection would not take vectors of this dimension.

    The compactor sets a delta of another dimension aside, which nobody sees who only writes.
    """
    held = {name: dimension_of_one(reader) for name, reader in readers.items()}
    wrong = {name: one for name, one in held.items() if one not in (None, dimension)}
    if wrong:
        named = [f"{name} holds vectors of {one} dimensions" for name, one in wrong.items()]
        raise OtherDimensionError(
            f"{', '.join(named)}, and this command makes {dimension}: send vectors of the "
            "collection's own model, or name a deployment whose collections are empty or of "
            f"{dimension} dimensions"
        )


def dimension_of_one(reader: Reader) -> int | None:
    """Of one collection's vectors; None while there are none. The reader is refreshed."""
    reader.refresh()
    return dimension_of(reader)


def dimension_of(reader: Reader) -> int | None:
    """Return the dimension of a collection's vectors; None while it has none.

    A record that lost its vector fails the call, so a few are asked one by one.
    """
    if not reader.version:
        return None
    for chroma_id in islice(reader.ids(), _RECORDS_ASKED):
        try:
            for vector in reader.vectors([chroma_id]).values():
                return len(vector)
        except IndexFailedError:
            continue  # this record's vector is lost; the next one has the same dimension
    return None
