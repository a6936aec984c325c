"""The cursor over the table: it finds entities whose record is missing.

A record that exists is compared by the cursor over the index, and one that a delta brings back is
found by the cursor over the deltas. What this last cursor finds can't be repaired. An entity
without a record may be one that was never embedded. So a record counts as missing only if the item
claims that its vector was sent.
"""

from compactor.cycle.projection import Item
from compactor.scrub.findings import Finding, Slice
from compactor.scrub.ports import World
from receipt_index.snapshot.format.scrub_state import Phase, ScrubState
from receipt_sync.fields import EMBEDDED


def pass_table(world: World, state: ScrubState, most: int) -> Slice:
    """Look at the next `most` items of the table. Raises TableReadError, IndexFailedError."""
    page = world.table.keys_after(state.table, most, world.deadline)
    own = [key for key in page.keys if key.collection is world.collection]
    held = world.index.get([key.chroma_id for key in own])
    absent = [key for key in own if key.chroma_id not in held]
    items = world.table.get(absent, world.deadline) if absent else {}
    findings = [Finding(key.chroma_id, "") for key in absent if claims_a_record(items[key])]
    moved = {"table": page.last, "phase": Phase.TABLE if page.last else Phase.OVER}
    return Slice(findings, state.model_copy(update=moved), 0, page.passed)


def claims_a_record(item: Item | None) -> bool:
    """Return whether an item says that its vector was sent."""
    return item is not None and item.get("embedding_status") == EMBEDDED
