"""The outline of a delta object: its ids, their number, and its dimension, without the vectors.

A verification reads the outline of every delta in the bucket. The vectors are most of an object's
bytes and come first in it, so the reader does not fetch them.
"""

import struct
import zipfile
import zlib
from typing import IO, Final, NamedTuple

from receipt_index.delta_archive import ID_BYTES, MAX_LIST_BYTES, read_header, read_strings
from receipt_index.deltas import MAX_VECTORS
from receipt_sync.errors import DeltaRefusedError

_UNREADABLE: Final = (
    ValueError,
    LookupError,
    OSError,
    EOFError,
    RuntimeError,  # The archive is encrypted, or its compression method is not available.
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


class Outline(NamedTuple):
    """Holds a delta's ids and its dimension."""

    ids: tuple[str, ...]
    dimension: int


def read_outline(file: IO[bytes]) -> Outline:
    """Return the outline of a delta's .npz file. Raises DeltaRefusedError if it is not a delta.

    This function does not check the vectors. `receipt_index.deltas.decode` does.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            rows, dimension = _shape(archive)
            return Outline(_ids(archive, rows), dimension)
    except _UNREADABLE as error:
        raise DeltaRefusedError(
            "the delta is not an .npz file of vectors and ids "
            f"({type(error).__name__}): its producer must send it again"
        ) from error


def _shape(archive: zipfile.ZipFile) -> tuple[int, int]:
    with archive.open("vectors.npy") as file:
        rows, dimension = read_header(file).shape
    if rows > MAX_VECTORS:
        raise ValueError(f"the delta holds more than {MAX_VECTORS} vectors: split it")
    return rows, dimension


def _ids(archive: zipfile.ZipFile, rows: int) -> tuple[str, ...]:
    entry = archive.getinfo("ids.npy")
    with archive.open(entry) as file:
        size = entry.file_size - read_header(file).size
        if size > min(rows * ID_BYTES, MAX_LIST_BYTES):
            raise ValueError("the list of ids is longer than the number of vectors allows")
        ids = read_strings(file.read().decode("utf-8"), rows)
    if ids is None or len(ids) != rows:
        raise ValueError("the number of ids differs from the number of vectors")
    return tuple(ids)
