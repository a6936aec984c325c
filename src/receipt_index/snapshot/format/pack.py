"""A pack: the pages that changed from one version to the next, in one compressed object.

The layout before compression is: magic, header length (4 bytes, big-endian), header, pages. The
header is JSON, and names the size and the page numbers of each file. The pages follow in the order
of the header. A file's last page is shorter if the file ends within it.
"""

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from receipt_index.snapshot.format.compression import compress, decompress
from receipt_index.snapshot.format.manifest import FAULTS_SHOWN, FilePath, Size
from receipt_index.snapshot.format.pages import PAGE_SIZE, page_count
from receipt_sync.errors import SnapshotDamagedError
from receipt_sync.validation import describe

MAGIC: Final = b"RCSPACK\x01"
MAX_PACK_BYTES: Final = 256 * 2**20
"""Bytes that a pack may have before compression. A larger change is published as a new base, whose
blocks are read and written a few at a time.
"""
MAX_PACK_PAGES: Final = MAX_PACK_BYTES // (PAGE_SIZE + 16)
"""Pages that always fit in a pack, whatever space their numbers take in the header."""

PageNumber = Annotated[int, Field(ge=0)]


class PackedFile(BaseModel):
    """A file of the new version: its size in bytes, and the pages that the pack holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: Size
    pages: tuple[PageNumber, ...]


class PackHeader(BaseModel):
    """The changed files, and the files that the new version no longer has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: dict[FilePath, PackedFile]
    removed: tuple[FilePath, ...] = ()
    version: Annotated[int, Field(ge=0)] = 0
    """The version that the pack makes. It gives each pack a content, and so a name, of its own."""


def build_pack(
    folder: Path, changed: Mapping[str, list[int]], removed: tuple[str, ...], version: int = 0
) -> bytes:
    """Return the pack of the given pages of the files under `folder`."""
    header = PackHeader(
        files={
            name: PackedFile(size=(folder / name).stat().st_size, pages=tuple(pages))
            for name, pages in changed.items()
        },
        removed=removed,
        version=version,
    )
    encoded = header.model_dump_json().encode()
    parts = [MAGIC, struct.pack(">I", len(encoded)), encoded]
    for name, pages in changed.items():
        parts += _read_pages(folder / name, pages)
    return compress(b"".join(parts))


def apply_pack(data: bytes, folder: Path, name: str = "a pack") -> PackHeader:
    """Apply a pack to the files of the version before it, and return its header.

    The header and the length are checked before anything is written. Raises SnapshotDamagedError
    for a pack that is not whole. The error names the pack as `name`.
    """
    content = decompress(data, MAX_PACK_BYTES, name)
    header, start = _read_header(content, name)
    if len(content) - start != sum(
        _length(f.size, p) for f in header.files.values() for p in f.pages
    ):
        raise SnapshotDamagedError(f"{name} does not hold the pages that its header names")
    for path, file in header.files.items():
        start = _write_pages(folder / path, file, content, start)
    for path in header.removed:
        (folder / path).unlink(missing_ok=True)
    return header


def _read_header(content: bytes, name: str) -> tuple[PackHeader, int]:
    prefix = len(MAGIC) + 4
    if len(content) < prefix or not content.startswith(MAGIC):
        raise SnapshotDamagedError(f"{name} is not a pack of this format")
    (length,) = struct.unpack(">I", content[len(MAGIC) : prefix])
    try:
        header = PackHeader.model_validate_json(content[prefix : prefix + length])
    except ValidationError as error:
        raise SnapshotDamagedError(
            f"{name} has a header of another format ({describe(error, FAULTS_SHOWN)})"
        ) from error
    for path, file in header.files.items():
        if any(page >= page_count(file.size) for page in file.pages):
            raise SnapshotDamagedError(f"{name} holds a page beyond the end of {path}")
    return header, prefix + length


def _length(size: int, page: int) -> int:
    return min(PAGE_SIZE, size - page * PAGE_SIZE)


def _read_pages(path: Path, pages: list[int]) -> Iterator[bytes]:
    with path.open("rb") as file:
        for page in pages:
            file.seek(page * PAGE_SIZE)
            yield file.read(PAGE_SIZE)


def _write_pages(path: Path, packed: PackedFile, content: bytes, start: int) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    view = memoryview(content)
    with path.open("r+b" if path.exists() else "w+b") as file:
        for page in packed.pages:
            stop = start + _length(packed.size, page)
            file.seek(page * PAGE_SIZE)
            file.write(view[start:stop])
            start = stop
        file.truncate(packed.size)
    return start
