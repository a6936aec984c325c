"""The state that a reader keeps in its folder for the next process that starts there.

The state holds the version that was mirrored last, and the digest of each page of that version. It
is used only if the whole file is intact. A page is used only if its new hash matches.
"""

from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ValidationError

from receipt_index.snapshot.format.compression import digest_of
from receipt_index.snapshot.format.manifest import FilePath, Manifest
from receipt_index.snapshot.format.page_table import DIGEST_SIZE, PageTable
from receipt_index.snapshot.format.pages import page_count
from receipt_sync.keys import Collection


class KeptState(NamedTuple):
    """The version that was mirrored last, and the digests of its pages."""

    manifest: Manifest
    table: PageTable


class _Content(BaseModel):
    """The content of the state file.

    `pages` holds the page digests of each file of the version, in hexadecimal.
    """

    manifest: Manifest
    pages: dict[FilePath, str]


def write_state(path: Path, manifest: Manifest, table: PageTable) -> None:
    """Replace the state in one step. If the process dies meanwhile, the old state stays."""
    pages = {name: digests.hex() for name, digests in table.digests.items()}
    content = _Content(manifest=manifest, pages=pages).model_dump_json().encode()
    new = path.with_suffix(".new")
    new.write_bytes(digest_of(content).encode() + b"\n" + content)
    new.replace(path)


def read_state(path: Path, collection: Collection) -> KeptState | None:
    """Return the state of this collection; None if there is none, or if it is not whole."""
    if not path.is_file():
        return None
    digest, _, content = path.read_bytes().partition(b"\n")
    if digest_of(content).encode() != digest:
        return None
    try:
        held = _Content.model_validate_json(content)
        table = _table(held)
    except (ValidationError, ValueError):
        return None  # another release wrote it: the folder starts without a state
    of_another = held.manifest.collection is not collection
    return None if of_another else KeptState(held.manifest, table)


def _table(held: _Content) -> PageTable:
    """Return the page table of the manifest's files.

    Raises ValueError if the digests do not belong to these files.
    """
    table = PageTable()
    table.sizes = dict(held.manifest.files)
    table.digests = {name: bytearray.fromhex(digests) for name, digests in held.pages.items()}
    if {n: DIGEST_SIZE * page_count(size) for n, size in table.sizes.items()} != {
        n: len(digests) for n, digests in table.digests.items()
    }:
        raise ValueError("the digests do not belong to the version's files")
    return table
