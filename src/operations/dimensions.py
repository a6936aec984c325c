"""The dimension of the vectors that are published."""

from operations.readers import Reader


def dimension_of_one(reader: Reader) -> int | None:
    """Of one collection's vectors; None while there are none. The reader is refreshed."""
    reader.refresh()
    first = next(reader.ids(), None) if reader.version else None
    if first is None:
        return None
    vector = reader.vectors([first]).get(first)
    return None if vector is None else len(vector)
