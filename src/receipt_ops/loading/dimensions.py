"""The dimension of published vectors."""

from receipt_index.reader import Reader, Readers
from receipt_ops.errors import OtherDimensionError


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
            "vectors of the collection's own model, or use a deployment whose collections never "
            f"held a vector or hold vectors of {dimension} dimensions"
        )


def dimension_of_one(reader: Reader) -> int | None:
    """Refresh a reader and return the dimension of its vectors. See `dimension_of`."""
    reader.refresh()
    return dimension_of(reader)


def dimension_of(reader: Reader) -> int | None:
    """Return the dimension of a collection's vectors; None before its first vector.

    Chroma keeps the dimension when the last record is deleted, and refuses vectors of another one.
    """
    return reader.dimension() if reader.version else None
