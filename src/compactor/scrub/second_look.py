"""The second look at suspects: what still differs is repaired and counted.

Under traffic a record may differ only because its message still waits in the queue. So a difference
counts only if it lasts, and if the index still holds what it held at the first look.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from compactor.cycle.closure import Closure
from compactor.cycle.plan import Plan, make_plan, newest_vectors
from compactor.cycle.projection import ALL, Items, delta_of
from compactor.cycle.truth import read_truth
from compactor.scrub.delta_pass import lacks_its_vector, read_delta
from compactor.scrub.findings import digest_of, own_key
from compactor.scrub.index_pass import lost_vectors
from compactor.scrub.ports import World
from compactor.scrub.table_pass import claims_a_record
from receipt_index.deltas import VectorBatch
from receipt_index.records import Record
from receipt_index.snapshot.format.scrub_state import Suspect
from receipt_sync.keys import EntityKey


@dataclass
class Verdict:
    """What became of the suspects. Those that are in no list are as they should be."""

    repairs: list[Suspect] = field(default_factory=list)
    """Suspects that the cycle repairs, by recomputing `keys` with `vectors`."""
    hopeless: list[Suspect] = field(default_factory=list)
    """Suspects whose vector exists nowhere."""
    changed: list[Suspect] = field(default_factory=list)
    """Suspects that differ, but whose record changed since. Their first look begins again."""
    keys: list[EntityKey] = field(default_factory=list)
    vectors: list[VectorBatch] = field(default_factory=list)
    bare: frozenset[str] = frozenset()
    """Records that have no vector of their own, so that their own delta may bring it again."""
    strays: list[str] = field(default_factory=list)
    """Ids that no record of the collection may have. No item of the table can belong to them."""


def look_again(world: World, suspects: Sequence[Suspect], now: datetime) -> Verdict:
    """Return what became of suspects. Raises TableReadError, IndexFailedError."""
    verdict = Verdict()
    if suspects:
        _judge(world, verdict, suspects, now)
    return verdict


def _judge(world: World, verdict: Verdict, suspects: Sequence[Suspect], now: datetime) -> None:
    held = world.index.get([suspect.id for suspect in suspects])
    keys = {suspect.id: own_key(suspect.id, world.collection) for suspect in suspects}
    batches = list(_batches(world, suspects))
    closure = Closure({key: ALL for key in keys.values() if key is not None})
    items = read_truth(world.table, closure, world.deadline)
    bare = frozenset(lost_vectors(world, held) | _wrong_vectors(world, batches, held))
    plan = make_plan(closure, newest_vectors(batches), items, held, bare)
    for suspect in suspects:
        key = keys[suspect.id]
        hopeless = key is not None and _lacks_a_vector(key, items, held, bare, plan)
        if hopeless or suspect.id in (held if key is None else plan.written):
            digest = digest_of(held.get(suspect.id))
            _add(verdict, suspect, key, digest, now, hopeless=hopeless)
    repaired = {suspect.id for suspect in verdict.repairs}
    verdict.vectors = [some for batch in batches if (some := _rows_of(batch, repaired)) is not None]
    verdict.bare = bare & repaired


def _add(
    verdict: Verdict,
    suspect: Suspect,
    key: EntityKey | None,
    digest: str,
    now: datetime,
    *,
    hopeless: bool,
) -> None:
    """Add a suspect that still differs. `digest` is that of what the index holds now."""
    if digest != suspect.held:
        verdict.changed.append(suspect.model_copy(update={"since": now, "held": digest}))
        return
    (verdict.hopeless if hopeless else verdict.repairs).append(suspect)
    if key is None:
        verdict.strays.append(suspect.id)
    else:
        verdict.keys.append(key)  # The fields of one without a vector can be repaired.


def _batches(world: World, suspects: Iterable[Suspect]) -> Iterable[VectorBatch]:
    """Yield the rows of the suspects from their deltas."""
    wanted: dict[str, set[str]] = {}
    for suspect in suspects:
        if suspect.delta is not None:
            wanted.setdefault(suspect.delta, set()).add(suspect.id)
    for delta_id, ids in sorted(wanted.items()):
        batch = read_delta(world, delta_id)
        some = None if batch is None else _rows_of(batch, ids)
        if some is not None:
            yield some


def _rows_of(batch: VectorBatch, ids: Iterable[str]) -> VectorBatch | None:
    wanted = set(ids)
    rows = [row for row, one in enumerate(batch.ids) if one in wanted]
    return batch.only(rows) if rows else None


def _wrong_vectors(
    world: World, batches: Iterable[VectorBatch], held: Mapping[str, Record]
) -> set[str]:
    """Return the ids of records that have another vector or text than their own delta brought."""
    wrong: set[str] = set()
    for batch in batches:
        mine = [
            (row, one)
            for row, one in enumerate(batch.ids)
            if one in held and delta_of(held[one].metadata) == batch.delta_id
        ]
        vectors = world.index.readable_vectors([one for _, one in mine])
        wrong |= {
            one for row, one in mine if lacks_its_vector(batch, row, held[one], vectors.get(one))
        }
    return wrong


def _lacks_a_vector(
    key: EntityKey,
    items: Items,
    held: Mapping[str, Record],
    bare: frozenset[str],
    plan: Plan,
) -> bool:
    """Return whether a record should have a vector that no delta brings again."""
    item, chroma_id = items.get(key), key.chroma_id
    if item is None or any(chroma_id == record.id for record in plan.insert):
        return False
    return chroma_id in bare or (chroma_id not in held and claims_a_record(item))
