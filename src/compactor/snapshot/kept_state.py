"""What a reader's folder says of itself, for the process that starts on it next.

It says which version was mirrored last and what each page of that version must be. It is believed
only as a whole, and of the pages nothing is believed that was not hashed again.
"""

from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ValidationError

from compactor.snapshot.compression import digest_of
from compactor.snapshot.manifest import FilePath, Manifest
from compactor.snapshot.page_table import DIGEST_SIZE, PageTable
from compactor.snapshot.pages import page_count
from receipt_sync.keys import Collection


class KeptState(NamedTuple):
    """The version that was mirrored last, and its pages."""

    manifest: Manifest
    table: PageTable


class _Content(BaseModel):
    """What the file holds: of each file of the version the digests of its pages, as hexadecimal."""

    manifest: Manifest
    pages: dict[FilePath, str]


def write_state(path: Path, manifest: Manifest, table: PageTable) -> None:
    """Replace the state in one step. A process that dies meanwhile leaves the one before."""
    pages = {name: digests.hex() for name, digests in table.digests.items()}
    content = _Content(manifest=manifest, pages=pages).model_dump_json().encode()
    new = path.with_suffix(".new")
    new.write_bytes(digest_of(content).encode() + b"\n" + content)
    new.replace(path)


def read_state(path: Path, collection: Collection) -> KeptState | None:
    """Return the state; None if there is none, or none that is whole and of this collection."""
    if not path.is_file():
        return None
    digest, _, content = path.read_bytes().partition(b"\n")
    if digest_of(content).encode() != digest:
        return None
    try:
        held = _Content.model_validate_json(content)
        table = _table(held)
    except (ValidationError, ValueError):
        return None  # another release wrote it: the folder starts anew
    of_another = held.manifest.collection is not collection
    return None if of_another else KeptState(held.manifest, table)


def _table(held: _Content) -> PageTable:
    """The table of the manifest's files. Raises ValueError if the digests are of others."""
    table = PageTable()
    table.sizes = dict(held.manifest.files)
    table.digests = {name: bytearray.fromhex(digests) for name, digests in held.pages.items()}
    if {n: DIGEST_SIZE * page_count(size) for n, size in table.sizes.items()} != {
        n: len(digests) for n, digests in table.digests.items()
    }:
        raise ValueError("the digests are not those of the version's files")
    return table
