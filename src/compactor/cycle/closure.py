"""The parts of records that a batch of changes may have touched (design: Closure).

The names of the changed fields show what to recompute, and never what to write.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from compactor.cycle.projection import ALL, Part
from receipt_sync.keys import Collection, EntityKey, EntityType, ReceiptKey
from receipt_sync.messages import Change


@dataclass
class Closure:
    """The records with the parts to recompute, and the receipts whose merchant changed.

    The merchant part of all records of these receipts is recomputed.
    """

    records: dict[EntityKey, Part] = field(default_factory=dict)
    receipts: set[ReceiptKey] = field(default_factory=set)
    members: set[EntityKey] = field(default_factory=set)
    """Records of these receipts that a read has found in the table."""

    def add(self, key: EntityKey | None, parts: Part) -> None:
        """Add parts of a record. A key of None adds nothing."""
        if key is not None:
            known = self.records.get(key)
            self.records[key] = parts if known is None else known | parts


def touched_collections(change: Change) -> tuple[Collection, ...]:
    """Return the collections whose records a change may touch: both for a receipt's merchant."""
    own = change.key.collection
    return tuple(Collection) if own is None else (own,)


def touches_neighbours(change: Change) -> bool:
    """Return whether a change of a line or word also touches the context of its two neighbours."""
    return change.event_name != "MODIFY" or "text" in change.changes


def closure_of(changes: Iterable[Change], embedded: Iterable[EntityKey] = ()) -> Closure:
    """Return the closure of one collection's changes, and of the keys whose vectors arrived."""
    closure = Closure()
    for change in changes:
        _add_change(closure, change)
    for key in embedded:
        closure.add(key, ALL)
    return closure


def _add_change(closure: Closure, change: Change) -> None:
    key = change.key
    if change.entity_type is EntityType.METADATA:
        closure.receipts.add(key.receipt)
        return
    closure.add(key, Part.OWN if change.event_name == "MODIFY" else ALL)
    if touches_neighbours(change):
        closure.add(key.neighbour(-1), Part.AFTER)
        closure.add(key.neighbour(1), Part.BEFORE)
