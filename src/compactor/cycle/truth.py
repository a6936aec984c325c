"""The table's present state of everything that a closure touches (I4: read after checkout)."""

from collections.abc import Mapping
from typing import Final

from compactor.cycle.closure import Closure
from compactor.cycle.projection import Item, Part, neighbourhood
from compactor.cycle.source import Members, TableSource
from receipt_sync.deadline import Deadline
from receipt_sync.keys import Collection, EntityKey, ReceiptKey
from receipt_sync.parallel import in_parallel
from receipt_sync.sequences import batches

_AT_ONCE: Final = 4
"""Number of receipts whose keys are read at a time. At most `most` keys of each are held."""


def add_members(
    source: TableSource,
    closure: Closure,
    done: Mapping[ReceiptKey, EntityKey],
    collection: Collection,
    most: int,
    deadline: Deadline,
) -> dict[ReceiptKey, EntityKey | None]:
    """Add the records of receipts whose merchant changed, up to `most` records in the closure.

    The keys come from the table. `done` gives the record of a receipt after which to continue.
    Return the receipts that are not finished, each with the last of its records that was added, or
    None.
    """
    unfinished: dict[ReceiptKey, EntityKey | None] = {}
    for receipts in batches(sorted(closure.receipts), _AT_ONCE):
        room = most - len(closure.records)
        if room <= 0:
            unfinished |= {receipt: done.get(receipt) for receipt in receipts}
            continue

        def read(receipt: ReceiptKey, room: int = room) -> Members:
            return source.member_keys(receipt, collection, done.get(receipt), room, deadline)

        for receipt, found in zip(receipts, in_parallel(read, receipts), strict=True):
            last = _add(closure, found, most) or done.get(receipt)
            if not found.whole or (found.keys and last != found.keys[-1]):
                unfinished[receipt] = last
    return unfinished


def _add(closure: Closure, found: Members, most: int) -> EntityKey | None:
    """Add keys while there is room; return the last one added."""
    last = None
    for key in found.keys:
        if len(closure.records) >= most:
            break
        closure.add(key, Part.MERCHANT)
        closure.members.add(key)
        last = key
    return last


def read_truth(
    source: TableSource, closure: Closure, deadline: Deadline
) -> dict[EntityKey, Item | None]:
    """Return the items of the closure's records, and the items that their projection needs.

    None proves absence. A member is not read if only its merchant part is wanted. This cycle has
    already found it in the table, and its item has no information about the merchant.
    """
    proved: dict[EntityKey, Item | None] = {}
    needed: set[EntityKey] = set()
    for key, parts in closure.records.items():
        if key in closure.members and parts == Part.MERCHANT:
            proved[key] = {}
            needed.add(key.metadata)
        else:
            needed.update(neighbourhood(key, parts))
    return proved | source.get(needed, deadline)
