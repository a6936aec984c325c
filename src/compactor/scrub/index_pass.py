"""The cursor over the index: it compares each record with the table, and finds lost vectors."""

from collections.abc import Mapping

from compactor.cycle.closure import Closure
from compactor.cycle.plan import make_plan
from compactor.cycle.projection import ALL, delta_of
from compactor.cycle.truth import read_truth
from compactor.scrub.findings import Finding, Slice, digest_of, own_key
from compactor.scrub.ports import World
from receipt_index.records import Record
from receipt_index.snapshot.format.scrub_state import MAX_ID, Phase, ScrubState


def pass_index(world: World, state: ScrubState, most: int) -> Slice:
    """Look at the next `most` records of the index. Raises TableReadError, IndexFailedError."""
    ids = world.index.ids_after(state.index or "", most)
    held = world.index.get(ids)
    keys = [key for key in (own_key(one, world.collection) for one in ids) if key is not None]
    closure = Closure(dict.fromkeys(keys, ALL))
    items = read_truth(world.table, closure, world.deadline)
    wrong = make_plan(closure, {}, items, held).written
    wrong |= set(ids) - {key.chroma_id for key in keys}
    bare = lost_vectors(world, held)
    findings = [
        Finding(one, digest_of(held.get(one)), _delta(held[one]) if one in bare else None)
        for one in ids
        if one in wrong or one in bare
    ]
    at_end = len(ids) < most
    moved = {
        "index": None if at_end else ids[-1][:MAX_ID],  # a prefix sorts before it
        "phase": Phase.DELTAS if at_end else Phase.INDEX,
    }
    return Slice(findings, state.model_copy(update=moved), len(ids), len(ids))


def lost_vectors(world: World, held: Mapping[str, Record]) -> set[str]:
    """Return the ids of the records that have no vector in the index."""
    return held.keys() - world.index.readable_vectors(list(held)).keys()


def _delta(record: Record) -> str | None:
    return delta_of(record.metadata) or None
