"""Where the derived files of the exact search are, and what their header says.

`vectors.f32` holds the distinct vectors with length 1, one in each row, as float32 in little-endian
order. The row of a vector that no record has any more holds NaN, and a later vector takes its
place. `records.sqlite3` maps records to rows, and holds the digest of each row. Both files have
rows of a fixed place, so a change of one record changes few pages.
"""

from pathlib import Path
from typing import Final, NamedTuple

from receipt_sync.errors import SnapshotDamagedError
from receipt_sync.keys import Collection

FOLDER: Final = "exact"
"""The folder of the files, below the folder of a version."""
VECTORS: Final = "vectors.f32"
RECORDS: Final = "records.sqlite3"
FORMAT: Final = 1
FLOAT_BYTES: Final = 4


class Header(NamedTuple):
    """The figures by which the files are checked when they are opened.

    `rows` counts the rows of `vectors.f32`, also those without a record. `dimension` is 0 before
    the first vector.
    """

    format: int
    dimension: int
    rows: int
    records: int


class ExactFilesError(SnapshotDamagedError):
    """The error for derived files that are missing, unreadable, or do not fit to the collection."""


def check(folder: Path, header: Header, records: int) -> None:
    """Raise ExactFilesError unless the files fit to each other and to a collection.

    `records` is the number of records of the collection.
    """
    if header.format != FORMAT:
        raise ExactFilesError(f"they have format {header.format}, and not {FORMAT}")
    size = (folder / VECTORS).stat().st_size
    if size != header.rows * header.dimension * FLOAT_BYTES:
        raise ExactFilesError(
            f"{VECTORS} has {size} bytes, and not {header.rows} rows of {header.dimension} floats"
        )
    if header.records != records:
        raise ExactFilesError(f"they hold {header.records} records, and the collection {records}")


def explained(error: ExactFilesError, collection: Collection) -> SnapshotDamagedError:
    """Return the error of a reader, with what to do about it."""
    return SnapshotDamagedError(
        f"the files of the exact search of {collection} can't be used: {error}. The compactor "
        "replaces them with its next version"
    )
