"""Repairs that a compactor on fakes applies, and the change messages that they send."""

import io
from random import Random

import numpy as np
import pytest

from compactor.deltas import decode
from compactor.projection import delta_of
from operations.errors import OperationError
from operations.repair.changes import ChangesNotSentError, QueueChanges, recompute, remove
from operations.repair.delta_index import DeltaIndex
from operations.repair.guard import DeleteLimit, Guard
from operations.repair.ledger import Ledger
from operations.repair.newest_vectors import NewestVectors
from operations.repair.repairing import Repair
from operations.verification import Verification
from receipt_sync.keys import Collection
from receipt_sync.messages import Delta, read_message, to_body
from tests.fakes.clock import ManualClock
from tests.fakes.world import World, line, metadata, word
from tests.unit.operations.fakes import InMemoryDeltas, InMemorySnapshot, ScannedTable
from tests.unit.operations.repairs import LINE, LINES, WORDS, Deltas, Outbox, Records


def test_changes_are_messages_that_the_compactor_reads_and_not_too_many_in_one() -> None:
    outbox, clock = Outbox(), ManualClock()
    keys = [line(n) for n in range(400)]
    sent = QueueChanges(outbox, clock).send(recompute(keys, clock.now(), "repair"))
    read = [change for m in outbox.messages for change in read_message(m.body).changes]
    assert sorted(change.key for change in read) == keys
    assert {(c.event_name, c.stream_record_id) for c in read} == {("INSERT", "repair")}
    assert sent == len(outbox.messages) >= 2
    removed = remove([LINE], clock.now(), "repair")
    QueueChanges(outbox, clock).send(removed)
    assert read_message(outbox.messages[-1].body).changes[0].event_name == "REMOVE"


def test_messages_that_were_not_taken_are_an_error_and_nothing_is_no_message() -> None:
    outbox, clock = Outbox(leaves=1), ManualClock()
    changes = QueueChanges(outbox, clock)
    with pytest.raises(ChangesNotSentError, match="refused 1 of 1 messages"):
        changes.send(recompute([LINE], clock.now(), "repair"))
    assert issubclass(ChangesNotSentError, OperationError)
    assert changes.send([]) == 0


def test_some_hundred_faults_of_every_kind_are_mended_by_the_compactor_itself() -> None:
    """Found by verification, sent as messages, applied by a real compactor on fakes."""
    world = World()
    _fill(world)
    planted = _plant(world, Random(3))
    verify = _verification(world)
    outbox, deltas = Outbox(), Deltas()
    repair = _repair(world, outbox, deltas)
    assert verify(repair.note) == planted
    repair.plan()
    repair.send()
    _apply(world, outbox, deltas)
    assert verify(lambda _: None) == 0
    assert world.differences() == []


def test_vectors_of_a_collection_that_was_set_back_are_found_by_their_deltas() -> None:
    """As after a restored snapshot, or a Chroma server's backup: every record is present."""
    world = World()
    _fill(world)
    index = world.index(LINES)
    records, vectors = dict(index.records), dict(index.stored_vectors)
    keys = [line(n) for n in range(1, 11)]
    world.handle(world.worker(), world.delta_body(keys))
    after = world.index(LINES)
    newest = {key.chroma_id: after.records[key.chroma_id].metadata["delta_id"] for key in keys}
    after.records, after.stored_vectors = records, vectors

    verify = _verification(world)
    outbox, deltas = Outbox(), Deltas()
    repair = _repair(world, outbox, deltas)
    assert verify(repair.note) == 10
    repair.plan()
    repair.send()
    _apply(world, outbox, deltas)
    held = world.index(LINES).records
    assert {i: held[i].metadata["delta_id"] for i in newest} == newest
    assert verify(lambda _: None) == 0


@pytest.mark.parametrize("held", ["zzz", "7" + "Z" * 26, "8" + "0" * 25])
def test_a_record_of_no_delta_gets_its_newest_delta_or_is_listed_for_embedding(held: str) -> None:
    """As text the id sorts after every delta, so verification called the records equal."""
    world = World()
    _fill(world)
    kept, lost = line(1).chroma_id, line(41).chroma_id
    world.table.put(line(41), text="text", embedding_status="SUCCESS")
    inserted = world.change_body(line(41), "text", event="INSERT")
    world.handle(world.worker(), inserted, world.delta_body([line(41)]))
    del world.deltas.objects[max(key for key in world.deltas.objects if f"/{LINES}/" in key)]
    world.index(LINES).update({i: {"delta_id": held} for i in (kept, lost)})

    deltas = Deltas()
    repair = _repair(world, Outbox(), deltas)
    assert _verification(world)(repair.note) == 2
    plan = repair.plan()
    repair.send()
    assert (plan.resent, list(plan.reembed())) == (1, [lost])
    assert len(deltas.sent) == 1


def test_a_delta_id_that_sorts_after_every_delta_is_found_and_mended() -> None:
    """One record whose delta lies in the bucket, and one whose delta is kept no longer."""
    world = World()
    _fill(world)
    kept, lost = line(1).chroma_id, line(41).chroma_id
    world.table.put(line(41), text="text", embedding_status="SUCCESS")
    inserted = world.change_body(line(41), "text", event="INSERT")
    world.handle(world.worker(), inserted, world.delta_body([line(41)]))
    index = world.index(LINES)
    last = max(key for key in world.deltas.objects if f"/{LINES}/" in key)
    del world.deltas.objects[last]
    index.update({i: {"delta_id": "zzz"} for i in (kept, lost)})

    verify = _verification(world)
    outbox, deltas = Outbox(), Deltas()
    repair = _repair(world, outbox, deltas)
    assert verify(repair.note) == 2
    plan = repair.plan()
    repair.send()
    _apply(world, outbox, deltas)
    assert list(plan.reembed()) == [lost]
    assert verify(lambda _: None) == 1
    world.handle(world.worker(), world.delta_body([line(41)]))
    assert verify(lambda _: None) == 0


def _repair(world: World, outbox: Outbox, deltas: Deltas) -> Repair:
    objects = _objects(world)
    return Repair(
        QueueChanges(outbox, world.clock),
        deltas,
        NewestVectors(DeltaIndex(objects), objects, lambda _: None, ManualClock()),
        {name: _WorldRecords(world, name) for name in Collection},
        Guard(DeleteLimit(0.9, 1000), DeleteLimit(0.9, 1000)),
        world.clock,
        Random(1),
        Ledger(),
    )


def _apply(world: World, outbox: Outbox, deltas: Deltas) -> None:
    bodies = [message.body for message in outbox.messages]
    bodies += [to_body(delta) for delta in deltas.sent]
    assert world.handle(world.worker(), *bodies).returned == {}


def _fill(world: World) -> None:
    world.table.put(metadata(), merchant_name="M")
    keys = [line(n) for n in range(1, 41)]
    keys += [word(w, line_id=n) for n in range(1, 41) for w in range(1, 6)]
    for key in keys:
        world.table.put(key, text=f"text {key.sk}", embedding_status="SUCCESS")
    worker = world.worker()
    for collection in Collection:
        of = [key for key in keys if key.collection is collection]
        world.handle(worker, world.delta_body(of))


def _plant(world: World, randomness: Random) -> int:
    """Faults of every kind; how many."""
    index = world.index(WORDS)
    ids = sorted(index.records)
    randomness.shuffle(ids)
    missing, stale_merchant, changed, near = (ids[n : n + 40] for n in (0, 40, 80, 120))
    strangers = {f"{i[:-5]}{90_000 + n}": i for n, i in enumerate(near)}
    for chroma_id in missing:
        del index.records[chroma_id]
        del index.stored_vectors[chroma_id]
    index.update({i: {"merchant_name": "Before"} for i in stale_merchant})
    index.update({i: {"text": "changed", "next_word_text": None} for i in changed})
    for stranger, like in strangers.items():
        index.records[stranger] = index.records[like]
        index.stored_vectors[stranger] = index.stored_vectors[like]
    return 160


def _verification(world: World):
    def verify(found) -> int:
        table = ScannedTable()
        table.items = world.table.items
        snapshots = {}
        for collection in Collection:
            snapshot = InMemorySnapshot()
            snapshot.records = world.index(collection).records
            snapshots[collection] = snapshot
        objects = _objects(world)
        newest = NewestVectors(DeltaIndex(objects), objects, lambda _: None, ManualClock())
        verification = Verification(
            table, snapshots, world.clock, 0, found=found, newer=newest.newer
        )
        return verification.run().faults

    return verify


def _objects(world: World) -> InMemoryDeltas:
    """The delta objects of the fakes' producer."""
    objects = InMemoryDeltas()
    for key, data in world.deltas.objects.items():
        _, collection, name = key.split("/")
        delta_id = name.removesuffix(".npz")
        with np.load(io.BytesIO(data)) as arrays:
            count = len(arrays["vectors"])
        batch = decode(data, Delta.of(Collection(collection), delta_id, count))
        objects.batches[Collection(collection), delta_id] = batch
    return objects


class _WorldRecords(Records):
    """The records of the fakes' published state."""

    def __init__(self, world: World, collection: Collection) -> None:
        records = world.index(collection).records
        super().__init__(len(records), **{i: delta_of(r.metadata) for i, r in records.items()})
