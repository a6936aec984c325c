"""What a reader's folder says of itself, for the process that starts on it next.

It says which version was mirrored last and what each page of that version must be. It is believed
only as a whole, and of the pages nothing is believed that was not hashed again.
"""

import json
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from compactor.snapshot.compression import digest_of
from compactor.snapshot.manifest import Manifest
from compactor.snapshot.page_table import DIGEST_SIZE, PageTable
from compactor.snapshot.pages import page_count
from receipt_sync.keys import Collection


class KeptState(NamedTuple):
    """The version that was mirrored last, and its pages."""

    manifest: Manifest
    table: PageTable


def write_state(path: Path, manifest: Manifest, table: PageTable) -> None:
    """Replace the state in one step. A process that dies meanwhile leaves the one before."""
    files = {name: [size, table.digests[name].hex()] for name, size in table.sizes.items()}
    content = json.dumps({"manifest": json.loads(manifest.to_json()), "files": files}).encode()
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
        held = json.loads(content)
        manifest = Manifest.model_validate_json(json.dumps(held["manifest"]))
        table = _table(held["files"])
    except (ValueError, KeyError, TypeError, ValidationError):
        return None  # another release wrote it: the folder starts anew
    return KeptState(manifest, table) if manifest.collection is collection else None


def _table(files: dict[str, tuple[int, str]]) -> PageTable:
    table = PageTable()
    for name, (size, digests) in files.items():
        table.sizes[name], table.digests[name] = size, bytearray.fromhex(digests)
        if len(table.digests[name]) != DIGEST_SIZE * page_count(size):
            raise ValueError(f"{name} has another number of pages")
    return table
