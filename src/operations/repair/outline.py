"""What a delta object holds without its vectors: the ids, their number, and the dimension.

A verification asks this of every delta that the bucket keeps. The vectors are most of an object's
bytes and come first in it, so they are not fetched.
"""

import struct
import zipfile
import zlib
from typing import IO, Final, NamedTuple

from compactor.delta_archive import ID_BYTES, MAX_LIST_BYTES, read_header, read_strings
from compactor.deltas import MAX_VECTORS
from receipt_sync.errors import DeltaRefusedError

_UNREADABLE: Final = (
    ValueError,
    LookupError,
    OSError,
    EOFError,
    RuntimeError,  # encrypted, or packed by a method that is not there
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


class Outline(NamedTuple):
    """A delta without its vectors."""

    ids: tuple[str, ...]
    dimension: int


def read_outline(file: IO[bytes]) -> Outline:
    """Return what a delta's .npz holds. Raises DeltaRefusedError if it is none.

    This does not check the vectors themselves, as `compactor.deltas.decode` does.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            rows, dimension = _shape(archive)
            return Outline(_ids(archive, rows), dimension)
    except _UNREADABLE as error:
        raise DeltaRefusedError(
            f"the delta is not an .npz of vectors and ids: {type(error).__name__}"
        ) from error


def _shape(archive: zipfile.ZipFile) -> tuple[int, int]:
    with archive.open("vectors.npy") as file:
        rows, dimension = read_header(file).shape
    if rows > MAX_VECTORS:
        raise ValueError("the delta holds more vectors than a delta may")
    return rows, dimension


def _ids(archive: zipfile.ZipFile, rows: int) -> tuple[str, ...]:
    entry = archive.getinfo("ids.npy")
    with archive.open(entry) as file:
        size = entry.file_size - read_header(file).size
        if size > min(rows * ID_BYTES, MAX_LIST_BYTES):
            raise ValueError("the ids are longer than those of so many vectors")
        ids = read_strings(file.read().decode("utf-8"), rows)
    if ids is None or len(ids) != rows:
        raise ValueError("there are not as many ids as vectors")
    return tuple(ids)
