"""Read the three arrays of a delta's object without trusting any size that the object claims.

Every size is checked before memory is taken for it. The sizes are those of the archive's directory,
of each array's bytes, and of each header's shape. An array's bytes are compared with the number of
vectors that the message names. NumPy's own reader is not used. It parses headers with
`ast.literal_eval`, which is not safe in threads on CPython 3.11 (gh-106905). It also loads entries
of any number and size.
"""

import io
import json
import math
import re
import struct
import zipfile
import zlib
from typing import IO, Final, NamedTuple

from receipt_sync.errors import DeltaRefusedError

MAX_DECOMPRESSED_BYTES: Final = 512 * 2**20
MAX_DIRECTORY_BYTES: Final = 4096
"""Bytes of the archive's list of entries. It has space for some 80 entries, and a delta has three.
"""
MAX_DIMENSION: Final = 16_384
ID_BYTES: Final = 4 * 2**10
"""Bytes of JSON for each id. A key has at most 3,073 characters."""
TEXT_BYTES: Final = 4 * 2**10
"""Bytes of JSON for each text, on average."""
LONGEST_TEXT_BYTES: Final = 5 * 2**19
"""Bytes of JSON for one text. An item has at most 400 KB, and JSON may write six bytes for each
byte.
"""
MAX_LIST_BYTES: Final = 64 * 2**20
"""Bytes of JSON for all ids, and for all texts."""

_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_END: Final = struct.Struct("<4s4H2IH")  # end record of a zip archive without a comment
_ZIP64: Final = b"PK\x06\x07"
_NPY: Final = {b"\x93NUMPY\x01\x00": struct.Struct("<H"), b"\x93NUMPY\x02\x00": struct.Struct("<I")}
_MAX_HEADER: Final = 4096
_DESCR: Final = re.compile(r"'descr': *'([^']{1,16})'")
_WIDTH: Final = re.compile(r"\d{1,4}$")
_ORDER: Final = re.compile(r"'fortran_order': *(True|False)")
_SHAPE: Final = re.compile(r"'shape': *\(((?:\d{1,12}, *)*(?:\d{1,12})?)\)")

_GAP: Final = r"[ \t\n\r]*"
_FIRST: Final = re.compile(rf'{_GAP}\[{_GAP}(?:(?P<more>")|\])')
_NEXT: Final = re.compile(rf'{_GAP}(?:,{_GAP}(?P<more>")|\])')
_REST: Final = re.compile(_GAP)


class Header(NamedTuple):
    """The header that an array claims. `size` is the bytes of the header itself."""

    descr: str
    fortran_order: bool
    shape: tuple[int, ...]
    size: int

    @property
    def width(self) -> int:
        """Return the bytes of one element: the number at the end of the type."""
        digits = _WIDTH.search(self.descr)
        return int(digits[0]) if digits else 1


class Array(NamedTuple):
    """An array's header and its content."""

    header: Header
    data: bytes


class Arrays(NamedTuple):
    """The arrays of a delta."""

    vectors: Array
    ids: Array
    texts: Array


def read_arrays(data: bytes, count: int) -> Arrays:
    """Return the arrays of a delta's object for `count` vectors.

    The shape of `vectors` is (count, d), with d from 1 to MAX_DIMENSION. Raises DeltaRefusedError
    for anything else.
    """
    try:
        _check_directory(data)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            if size > MAX_DECOMPRESSED_BYTES:
                raise DeltaRefusedError(f"the delta unpacks to {size} bytes: split it")
            return Arrays(
                _array(archive, "vectors", count * MAX_DIMENSION * 4, count),
                _array(archive, "ids", min(count * ID_BYTES, MAX_LIST_BYTES)),
                _array(
                    archive, "texts", min(count * TEXT_BYTES + LONGEST_TEXT_BYTES, MAX_LIST_BYTES)
                ),
            )
    except (
        ValueError,
        KeyError,
        OSError,
        EOFError,
        RuntimeError,  # encrypted, or packed by a method that is missing
        struct.error,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise DeltaRefusedError(
            "the delta is not an .npz of vectors, ids and texts without pickles: "
            f"{type(error).__name__}"
        ) from error


def read_strings(text: str, most: int) -> list[str] | None:
    """Return the strings of a JSON list of strings; None if there are more than `most`.

    Raises ValueError for anything else. The list is read entry by entry. json.loads would make a
    list of a hundred million entries from an object of that many bytes.
    """
    found: list[str] = []
    decoder, mark = json.JSONDecoder(), _FIRST.match(text)
    while mark is not None and mark["more"]:
        if len(found) == most:
            return None
        one, end = decoder.raw_decode(text, mark.end() - 1)
        found.append(one)
        mark = _NEXT.match(text, end)
    if mark is None or not _REST.fullmatch(text, mark.end()):
        raise ValueError("no JSON list of strings")
    return found


def _check_directory(data: bytes) -> None:
    """Refuse an archive whose directory is longer than three entries need, before it is read.

    Only an archive without a comment and without zip64 is accepted. zipfile then finds the same end
    record.
    """
    if len(data) < _END.size or data[-_END.size - 20 : -_END.size].startswith(_ZIP64):
        raise zipfile.BadZipFile
    signature, *_, directory, _, comment = _END.unpack(data[-_END.size :])
    if signature != b"PK\x05\x06" or comment:
        raise zipfile.BadZipFile
    if directory > MAX_DIRECTORY_BYTES:
        raise DeltaRefusedError(
            f"the delta's archive has a directory of {directory} bytes, but at most "
            f"{MAX_DIRECTORY_BYTES} are allowed: it holds vectors, ids and texts, and nothing else"
        )


def _array(archive: zipfile.ZipFile, name: str, at_most: int, vectors: int | None = None) -> Array:
    entry = archive.getinfo(f"{name}.npy")
    if entry.compress_type not in _METHODS:
        raise DeltaRefusedError(f"{name} is packed by a method that is neither none nor deflate")
    if entry.file_size > at_most + _MAX_HEADER:
        raise DeltaRefusedError(
            f"{name} has {entry.file_size} bytes, but that many vectors may have {at_most}"
        )
    with archive.open(entry) as file:
        header = read_header(file)
        held = entry.file_size - header.size
        if math.prod(header.shape) * header.width != held:
            raise DeltaRefusedError(
                f"{name} claims the shape {header.shape}, but holds {held} bytes"
            )
        if vectors is not None:
            _check_vectors(header, vectors)
        return Array(header, file.read())


def read_header(file: IO[bytes]) -> Header:
    """Return the header of an array at the beginning of its file. Raises KeyError, ValueError."""
    magic = file.read(8)
    kind = _NPY[magic]
    (length,) = kind.unpack(file.read(kind.size))
    if length > _MAX_HEADER:
        raise ValueError("an array's header is too long")
    text = file.read(length).decode("latin-1")
    descr, order, shape = _DESCR.search(text), _ORDER.search(text), _SHAPE.search(text)
    if descr is None or order is None or shape is None:
        raise ValueError("an array's header is not NumPy's")
    numbers = tuple(int(number) for number in shape[1].split(",") if number.strip())
    return Header(descr[1], order[1] == "True", numbers, 8 + kind.size + length)


def _check_vectors(header: Header, count: int) -> None:
    if len(header.shape) != 2 or header.descr != "<f4":
        raise DeltaRefusedError(
            f"vectors is {len(header.shape)}-dimensional {header.descr}: it must be n × d float32"
        )
    rows, dimension = header.shape
    if not 1 <= dimension <= MAX_DIMENSION:
        raise DeltaRefusedError(f"vectors of {dimension} dimensions are not supported")
    if rows != count:
        raise DeltaRefusedError(
            f"the message says {count} vectors, the object holds {rows} vectors"
        )
