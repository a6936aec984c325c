"""The dimension of the vectors that are published."""

from operations.readers import Reader, Readers


def dimension_of(readers: Readers) -> int | None:
    """Of the first collection that has vectors; None while none has. The readers are refreshed."""
    found = map(dimension_of_one, readers.values())
    return next((dimension for dimension in found if dimension is not None), None)


def dimension_of_one(reader: Reader) -> int | None:
    """Of one collection's vectors; None while there are none. The reader is refreshed."""
    reader.refresh()
    first = next(reader.ids(), None) if reader.version else None
    if first is None:
        return None
    vector = reader.vectors([first]).get(first)
    return None if vector is None else len(vector)
