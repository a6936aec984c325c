"""The table's present state of everything that a closure touches (I4: read after checkout)."""

from compactor.closure import Closure
from compactor.projection import Item, Part, neighbourhood
from compactor.source import TableSource
from receipt_sync.deadline import Deadline
from receipt_sync.keys import Collection, EntityKey


def read_truth(
    source: TableSource, closure: Closure, collection: Collection, deadline: Deadline
) -> dict[EntityKey, Item | None]:
    """Items of the closure's records and of what their projection needs; None proves absence.

    The members of receipts whose merchant changed join the closure: the table knows them.
    """
    items = source.members(closure.receipts, deadline)
    for key in items:
        if key.collection is collection:
            closure.add(key, Part.MERCHANT)
    needed = {n for key, parts in closure.records.items() for n in neighbourhood(key, parts)}
    # A receipt that was queried whole has answered for all of its keys.
    unread = {key for key in needed if key.receipt not in closure.receipts}
    return items | source.get(unread, deadline)
