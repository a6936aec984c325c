"""Repairs that a compactor on fakes applies, and the change messages that they send."""

import io
from collections.abc import Callable
from random import Random

import numpy as np
import pytest

from compactor.cycle.projection import delta_of
from receipt_index.deltas import decode
from receipt_ops.errors import OperationError
from receipt_ops.repair.changes import ChangesNotSentError, QueueChanges, recompute, remove
from receipt_ops.repair.delta_index import DeltaIndex
from receipt_ops.repair.guard import DeleteLimit, Guard
from receipt_ops.repair.ledger import Ledger
from receipt_ops.repair.newest_vectors import NewestVectors
from receipt_ops.repair.repair import Repair
from receipt_ops.verification.verify import Sink, Verification
from receipt_sync.keys import Collection
from receipt_sync.messages import Delta, read_message, to_body
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.system import InMemorySystem, line, metadata, word
from tests.unit.receipt_ops.fakes import InMemoryDeltas, InMemorySnapshot, ScannedTable
from tests.unit.receipt_ops.repair.repairs import (
    LINE,
    LINES,
    WORDS,
    ChangePublisher,
    Deltas,
    Records,
)


def test_changes_are_messages_that_the_compactor_reads_and_not_too_many_in_one() -> None:
    publisher, clock = ChangePublisher(), ManualClock()
    keys = [line(n) for n in range(400)]
    sent = QueueChanges(publisher, clock).send(recompute(keys, clock.now(), "repair"))
    read = [change for m in publisher.messages for change in read_message(m.body).changes]
    assert sorted(change.key for change in read) == keys
    assert {(c.event_name, c.stream_record_id) for c in read} == {("INSERT", "repair")}
    assert sent == len(publisher.messages) >= 2
    removed = remove([LINE], clock.now(), "repair")
    QueueChanges(publisher, clock).send(removed)
    assert read_message(publisher.messages[-1].body).changes[0].event_name == "REMOVE"


def test_messages_that_were_not_taken_are_an_error_and_nothing_is_no_message() -> None:
    publisher, clock = ChangePublisher(leaves=1), ManualClock()
    changes = QueueChanges(publisher, clock)
    with pytest.raises(ChangesNotSentError, match="refused 1 of 1 messages"):
        changes.send(recompute([LINE], clock.now(), "repair"))
    assert issubclass(ChangesNotSentError, OperationError)
    assert changes.send([]) == 0


def test_some_hundred_faults_of_every_kind_are_repaired_by_the_compactor_itself() -> None:
    """Found by verification, sent as messages, applied by a real compactor on fakes."""
    system = InMemorySystem()
    _fill(system)
    planted = _plant(system, Random(3))
    verify = _verification(system)
    publisher, deltas = ChangePublisher(), Deltas()
    repair = _repair(system, publisher, deltas)
    assert verify(repair.note) == planted
    repair.plan()
    repair.send()
    _apply(system, publisher, deltas)
    assert verify(lambda _: None) == 0
    assert system.differences() == []


def test_vectors_of_a_collection_that_was_set_back_are_found_by_their_deltas() -> None:
    """As after a restored snapshot, or a Chroma server's backup: every record is present."""
    system = InMemorySystem()
    _fill(system)
    index = system.index(LINES)
    records, vectors = dict(index.records), dict(index.stored_vectors)
    keys = [line(n) for n in range(1, 11)]
    system.handle(system.worker(), system.delta_body(keys))
    after = system.index(LINES)
    newest = {key.chroma_id: after.records[key.chroma_id].metadata["delta_id"] for key in keys}
    after.records, after.stored_vectors = records, vectors

    verify = _verification(system)
    publisher, deltas = ChangePublisher(), Deltas()
    repair = _repair(system, publisher, deltas)
    assert verify(repair.note) == 10
    repair.plan()
    repair.send()
    _apply(system, publisher, deltas)
    held = system.index(LINES).records
    assert {i: held[i].metadata["delta_id"] for i in newest} == newest
    assert verify(lambda _: None) == 0


@pytest.mark.parametrize("held", ["zzz", "7" + "Z" * 26, "8" + "0" * 25])
def test_a_record_of_no_delta_gets_its_newest_delta_or_is_listed_for_embedding(held: str) -> None:
    """As text the id sorts after every delta, so verification called the records equal."""
    system = InMemorySystem()
    _fill(system)
    kept, lost = line(1).chroma_id, line(41).chroma_id
    system.table.put(line(41), text="text", embedding_status="SUCCESS")
    inserted = system.change_body(line(41), "text", event="INSERT")
    system.handle(system.worker(), inserted, system.delta_body([line(41)]))
    del system.deltas.objects[max(key for key in system.deltas.objects if f"/{LINES}/" in key)]
    system.index(LINES).update({i: {"delta_id": held} for i in (kept, lost)})

    deltas = Deltas()
    repair = _repair(system, ChangePublisher(), deltas)
    assert _verification(system)(repair.note) == 2
    plan = repair.plan()
    repair.send()
    assert (plan.resent, list(plan.reembed())) == (1, [lost])
    assert len(deltas.sent) == 1


def test_a_delta_id_that_sorts_after_every_delta_is_found_and_repaired() -> None:
    """One record whose delta lies in the bucket, and one whose delta is kept no longer."""
    system = InMemorySystem()
    _fill(system)
    kept, lost = line(1).chroma_id, line(41).chroma_id
    system.table.put(line(41), text="text", embedding_status="SUCCESS")
    inserted = system.change_body(line(41), "text", event="INSERT")
    system.handle(system.worker(), inserted, system.delta_body([line(41)]))
    index = system.index(LINES)
    last = max(key for key in system.deltas.objects if f"/{LINES}/" in key)
    del system.deltas.objects[last]
    index.update({i: {"delta_id": "zzz"} for i in (kept, lost)})

    verify = _verification(system)
    publisher, deltas = ChangePublisher(), Deltas()
    repair = _repair(system, publisher, deltas)
    assert verify(repair.note) == 2
    plan = repair.plan()
    repair.send()
    _apply(system, publisher, deltas)
    assert list(plan.reembed()) == [lost]
    assert verify(lambda _: None) == 1
    system.handle(system.worker(), system.delta_body([line(41)]))
    assert verify(lambda _: None) == 0


def _repair(system: InMemorySystem, publisher: ChangePublisher, deltas: Deltas) -> Repair:
    objects = _objects(system)
    return Repair(
        QueueChanges(publisher, system.clock),
        deltas,
        NewestVectors(DeltaIndex(objects), objects, lambda _: None, ManualClock()),
        {name: _PublishedRecords(system, name) for name in Collection},
        Guard(DeleteLimit(0.9, 1000), DeleteLimit(0.9, 1000)),
        system.clock,
        Random(1),
        Ledger(),
    )


def _apply(system: InMemorySystem, publisher: ChangePublisher, deltas: Deltas) -> None:
    bodies = [message.body for message in publisher.messages]
    bodies += [to_body(delta) for delta in deltas.sent]
    assert system.handle(system.worker(), *bodies).returned == {}


def _fill(system: InMemorySystem) -> None:
    system.table.put(metadata(), merchant_name="M")
    keys = [line(n) for n in range(1, 41)]
    keys += [word(w, line_id=n) for n in range(1, 41) for w in range(1, 6)]
    for key in keys:
        system.table.put(key, text=f"text {key.sk}", embedding_status="SUCCESS")
    worker = system.worker()
    for collection in Collection:
        of = [key for key in keys if key.collection is collection]
        system.handle(worker, system.delta_body(of))


def _plant(system: InMemorySystem, randomness: Random) -> int:
    """Faults of every kind; how many."""
    index = system.index(WORDS)
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


def _verification(system: InMemorySystem) -> Callable[[Sink], int]:
    def verify(found: Sink) -> int:
        table = ScannedTable()
        table.items = system.table.items
        snapshots = {}
        for collection in Collection:
            snapshot = InMemorySnapshot()
            snapshot.records = system.index(collection).records
            snapshots[collection] = snapshot
        objects = _objects(system)
        newest = NewestVectors(DeltaIndex(objects), objects, lambda _: None, ManualClock())
        verification = Verification(
            table, snapshots, system.clock, 0, found=found, newer=newest.newer
        )
        return verification.run().faults

    return verify


def _objects(system: InMemorySystem) -> InMemoryDeltas:
    """The delta objects of the fakes' producer."""
    objects = InMemoryDeltas()
    for key, data in system.deltas.objects.items():
        _, collection, name = key.split("/")
        delta_id = name.removesuffix(".npz")
        with np.load(io.BytesIO(data)) as arrays:
            count = len(arrays["vectors"])
        batch = decode(data, Delta.of(Collection(collection), delta_id, count))
        objects.batches[Collection(collection), delta_id] = batch
    return objects


class _PublishedRecords(Records):
    """The records of the fakes' published state."""

    def __init__(self, system: InMemorySystem, collection: Collection) -> None:
        records = system.index(collection).records
        super().__init__(len(records), **{i: delta_of(r.metadata) for i, r in records.items()})
