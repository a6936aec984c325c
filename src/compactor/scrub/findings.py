"""What the first look finds."""

from hashlib import blake2b
from typing import NamedTuple

from receipt_index.records import Record
from receipt_index.snapshot.format.scrub_state import ScrubState
from receipt_sync.errors import MalformedKeyError
from receipt_sync.keys import Collection, EntityKey, parse_chroma_id


class Finding(NamedTuple):
    """A record that differs. `held` and `delta` are those of `Suspect`."""

    id: str
    held: str
    delta: str | None = None


class Slice(NamedTuple):
    """The findings of one slice, and the state with the cursor behind the slice."""

    findings: list[Finding]
    state: ScrubState
    checked: int
    steps: int


def digest_of(record: Record | None) -> str:
    """Return a digest of what the index holds; empty for no record.

    A record that changes between the two looks is one whose changes still arrive.
    """
    if record is None:
        return ""
    held = (sorted(record.metadata.items()), record.document)
    return blake2b(repr(held).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def own_key(chroma_id: str, collection: Collection) -> EntityKey | None:
    """Return the entity of a record; None for an id that no record of the collection may have."""
    try:
        key = parse_chroma_id(chroma_id)
    except MalformedKeyError:
        return None
    return key if key.collection is collection else None
