"""The remedy of each fault.

| fault | remedy |
|---|---|
| unexpected | send a change message with REMOVE for its key |
| different | send a change message that makes the compactor recompute every part |
| missing, older than its newest delta, or its delta id is no ULID | send that delta again |
| without vector or document | send its row of its delta as a new delta |
| a delta id of the future that names no object | none: an operator must repair it manually |
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
from receipt_sync.messages import is_ulid


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
    "delete the record yourself, or restore an earlier snapshot if there are snapshots"
)
_STRAY: Final = (
    "it holds fields that do not belong to the projection, and no change message removes them: "
    "delete the record yourself and repair again, or restore an earlier snapshot if there are "
    "snapshots"
)

_BLOCKED: Final = (
    "its delta id lies in the future and names no object, so the compactor refuses every newer "
    "vector: delete the record yourself, or restore an earlier snapshot if there are snapshots, "
    "and repair again"
)


def fault_of(example: Example) -> Fault:
    """Return the remedy for a difference that a verification found."""
    reason = _by_hand(example)
    return Fault(_remedy(example, reason), example.collection, example.id, reason)


def _remedy(example: Example, reason: str) -> Remedy:
    if reason:
        return Remedy.BY_HAND
    if example.finding is Finding.UNEXPECTED:
        return Remedy.REMOVE
    if example.finding is Finding.MISSING or DELTA_ID in example.fields:
        return Remedy.RESEND
    return Remedy.RENEW if {VECTOR, DOCUMENT} & set(example.fields) else Remedy.RECOMPUTE


def _by_hand(example: Example) -> str:
    """Return why no message can repair a difference; "" if one can."""
    key = _key_of(example)
    if key is None:
        return _UNNAMABLE
    if example.finding is not Finding.DIFFERENT:
        return ""
    if _is_blocked(example):
        return _BLOCKED
    known = {DELTA_ID, VECTOR, DOCUMENT, *project(key, {key: {}})}
    return "" if known & set(example.fields) else _STRAY


def _is_blocked(example: Example) -> bool:
    """Return whether the record's delta id is newer than the newest delta, and no damaged text."""
    known = example.fields.get(DELTA_ID)
    return known is not None and is_ulid(known.snapshot) and (known.table or "") < known.snapshot


def _key_of(example: Example) -> EntityKey | None:
    try:
        key = parse_chroma_id(example.id)
    except MalformedKeyError:
        return None
    return key if key.collection is example.collection else None
