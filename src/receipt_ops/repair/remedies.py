"""The remedy of each fault.

| fault | remedy |
|---|---|
| unexpected | send a change message with REMOVE for its key |
| different | send a change message that makes the compactor recompute every part |
| missing, older than its newest delta, or its delta id is no ULID | send that delta again |
| without vector or document | send its row of its delta as a new delta |
| a record that no message can name | none: an operator must repair it manually |
"""

from enum import StrEnum
from typing import Final, NamedTuple

from compactor.cycle.projection import project
from receipt_index.records import DELTA_ID
from receipt_ops.verification.comparison import DOCUMENT, VECTOR
from receipt_ops.verification.verdict import Example, Finding
from receipt_sync.errors import MalformedKeyError
from receipt_sync.keys import Collection, EntityKey, parse_chroma_id


class Remedy(StrEnum):
    """Names the remedies."""

    RECOMPUTE = "recompute"
    REMOVE = "remove"
    RESEND = "send the vector again"
    RENEW = "send the vector as a new delta"
    REEMBED = "embed again"
    BY_HAND = "by hand"


class Fault(NamedTuple):
    """Holds a fault and its remedy. `reason` says why no message can repair it."""

    remedy: Remedy
    collection: Collection
    id: str
    reason: str = ""

    @property
    def key(self) -> EntityKey:
        return parse_chroma_id(self.id)


_UNNAMABLE: Final = (
    "no entity of this collection can have this id, so no message can name it: "
    "restore an earlier snapshot, or delete the record yourself"
)
_STRAY: Final = (
    "it holds fields that do not belong to the projection, and no change message removes them: "
    "restore an earlier snapshot"
)


def fault_of(example: Example) -> Fault:
    """Return the remedy for a difference that a verification found."""
    key = _key_of(example)
    if key is None:
        return Fault(Remedy.BY_HAND, example.collection, example.id, _UNNAMABLE)
    if example.finding is Finding.UNEXPECTED:
        return Fault(Remedy.REMOVE, example.collection, example.id)
    if example.finding is Finding.MISSING or DELTA_ID in example.fields:
        return Fault(Remedy.RESEND, example.collection, example.id)
    if {VECTOR, DOCUMENT} & set(example.fields):
        return Fault(Remedy.RENEW, example.collection, example.id)
    if not set(example.fields) & set(project(key, {key: {}})):
        return Fault(Remedy.BY_HAND, example.collection, example.id, _STRAY)
    return Fault(Remedy.RECOMPUTE, example.collection, example.id)


def _key_of(example: Example) -> EntityKey | None:
    try:
        key = parse_chroma_id(example.id)
    except MalformedKeyError:
        return None
    return key if key.collection is example.collection else None
