"""The cursor over the deltas: it finds records whose vector is not that of their newest delta.

Deltas come in the order of their ids. So a record's newest delta is known only after the last one,
and a missing record waits for it. An older vector never replaces a newer one.
"""

from typing import Final

from compactor.cycle.projection import delta_of
from compactor.cycle.readback import same_direction
from compactor.scrub.findings import Finding, Slice, digest_of
from compactor.scrub.ports import World
from receipt_index.deltas import VectorBatch, Vectors, decode_stored
from receipt_index.records import Record
from receipt_index.snapshot.format.scrub_state import Phase, ScrubState
from receipt_sync.errors import DeltaRefusedError
from receipt_sync.messages import delta_key

OBJECT_STEPS: Final = 10
"""Steps that the fetch of an object counts for. It takes as long as ten records."""


def pass_deltas(world: World, state: ScrubState, most: int) -> Slice:
    """Look at the next `most` rows of the deltas. Raises TableReadError, IndexFailedError."""
    asked = max(1, most // OBJECT_STEPS)
    names = world.deltas.after(world.collection, state.delta, asked)
    findings: list[Finding] = []
    steps = checked = 0
    for name in names:
        if steps >= most:
            return Slice(findings, state, checked, steps)
        batch = read_delta(world, name)
        rows = len(batch.ids) if batch is not None else 0
        stop = min(rows, state.row + max(1, most - steps - OBJECT_STEPS))
        if batch is not None:
            found, missing = _compare(world, batch.rows(state.row, stop))
            findings, checked = findings + found, checked + missing
        steps += OBJECT_STEPS + max(0, stop - state.row)
        moved = {"delta": name, "row": 0} if stop >= rows else {"row": stop}
        state = state.model_copy(update=moved)
    if len(names) < asked and not state.row:
        state = state.model_copy(update={"delta": None, "phase": Phase.TABLE})
    return Slice(findings, state, checked, max(1, steps))


def read_delta(world: World, delta_id: str) -> VectorBatch | None:
    """Return a delta; None if it can never be applied.

    Its message was parked with the reason, or the object has expired.
    """
    key = delta_key(world.collection, delta_id)
    try:
        batch = decode_stored(world.deltas.read(key), world.collection, delta_id)
    except DeltaRefusedError:
        return None
    dimension = world.index.dimension()
    return batch if dimension in {None, batch.dimension} else None


def lacks_its_vector(batch: VectorBatch, row: int, record: Record, vector: Vectors | None) -> bool:
    """Return whether a record of this delta has not the delta's vector and text."""
    if vector is None or record.document != batch.texts[row]:
        return True
    return vector.shape != batch.vectors[row].shape or not same_direction(
        vector, batch.vectors[row]
    )


def _compare(world: World, batch: VectorBatch) -> tuple[list[Finding], int]:
    """Return what differs from the delta, and the number of records that are missing."""
    held = world.index.get(batch.ids)
    mine = [one for one, record in held.items() if delta_of(record.metadata) == batch.delta_id]
    vectors = world.index.readable_vectors(mine)
    absent = {key for key in batch.keys if key.chroma_id not in held}
    items = world.table.get(absent, world.deadline) if absent else {}
    missing = {key.chroma_id for key in absent if items[key] is not None}
    findings = []
    for row, one in enumerate(batch.ids):
        record = held.get(one)
        if record is None:
            differs = one in missing
        elif delta_of(record.metadata) == batch.delta_id:
            differs = lacks_its_vector(batch, row, record, vectors.get(one))
        else:
            differs = delta_of(record.metadata) < batch.delta_id
        if differs:
            findings.append(Finding(one, digest_of(record), batch.delta_id))
    return findings, len(missing)
