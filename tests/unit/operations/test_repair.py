"""What a repair sends for each kind of fault, and what it refuses to send."""

import io
from collections.abc import Mapping, Sequence
from random import Random

import numpy as np
import pytest
from ulid import ULID

from compactor.deltas import VectorBatch, decode
from compactor.projection import delta_of
from operations.errors import OperationError
from operations.repair.changes import ChangesNotSentError, QueueChanges, recompute, remove
from operations.repair.delta_index import DeltaIndex
from operations.repair.guard import DeleteLimit, Guard, MassDeleteError
from operations.repair.ledger import Ledger
from operations.repair.newest_vectors import NewestVectors
from operations.repair.remedies import Fault, Remedy, fault_of
from operations.repair.repairing import Repair
from operations.verdict import Example, FieldDifference, Finding
from operations.verification import Verification
from receipt_sync.deadline import Deadline
from receipt_sync.errors import DeltaExistsError
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta, read_message, to_body
from stream_processor.detection import EntityChange
from stream_processor.packing import OutgoingMessage
from tests.fakes.clock import ManualClock
from tests.fakes.world import World, line, metadata, word
from tests.unit.operations.fakes import InMemoryDeltas, InMemorySnapshot, ScannedTable

LINES, WORDS = Collection.LINES, Collection.WORDS
LINE = line(1)
DELTAS = [str(ULID.from_int(n)) for n in range(1, 10)]
LATER = str(ULID.from_int(1 << 80))
"""The first of the next millisecond."""


def example(finding: Finding, chroma_id: str = LINE.chroma_id, **fields: object) -> Example:
    differences = {name: FieldDifference("x", value) for name, value in fields.items()}
    return Example(finding, LINES, chroma_id, differences)


@pytest.mark.parametrize(
    ("found", "remedy"),
    [
        (example(Finding.UNEXPECTED), Remedy.REMOVE),
        (example(Finding.MISSING), Remedy.RESEND),
        (example(Finding.DIFFERENT, text="y"), Remedy.RECOMPUTE),
        (example(Finding.DIFFERENT, merchant_name=None), Remedy.RECOMPUTE),
        (example(Finding.DIFFERENT, delta_id="y"), Remedy.RESEND),
        (example(Finding.DIFFERENT, delta_id="y", vector=None), Remedy.RESEND),
        (example(Finding.DIFFERENT, text="y", vector=None), Remedy.RENEW),
        (example(Finding.DIFFERENT, document=None), Remedy.RENEW),
        (example(Finding.DIFFERENT, stray="y"), Remedy.BY_HAND),
        (example(Finding.DIFFERENT, stray="y", text="y"), Remedy.RECOMPUTE),
        (example(Finding.UNEXPECTED, "IMAGE#i#RECEIPT#1#LINE#1"), Remedy.BY_HAND),
        (example(Finding.UNEXPECTED, word(1).chroma_id), Remedy.BY_HAND),
    ],
)
def test_every_fault_has_its_remedy(found: Example, remedy: Remedy) -> None:
    fault = fault_of(found)
    assert fault.remedy is remedy
    assert bool(fault.reason) == (remedy is Remedy.BY_HAND)


class Changes:
    """Changes that were sent."""

    def __init__(self) -> None:
        self.sent: list[EntityChange] = []
        self.calls: list[int] = []

    def send(self, changes: Sequence[EntityChange]) -> int:
        self.sent += changes
        self.calls.append(len(changes))
        return 1


class Deltas:
    """Deltas that were stored and sent; the first `taken` ids are somebody else's."""

    def __init__(self, taken: int = 0) -> None:
        self.stored: list[VectorBatch] = []
        self.sent: list[Delta] = []
        self.taken = taken

    def store(self, collection: Collection, batch: VectorBatch) -> Delta:
        if self.taken:
            self.taken -= 1
            raise DeltaExistsError("taken")
        self.stored.append(batch)
        return Delta.of(collection, batch.delta_id, len(batch.ids))

    def send(self, deltas: Sequence[Delta]) -> None:
        self.sent += deltas


class Records:
    """How many records there are, and which delta brought them."""

    def __init__(self, count: int = 100, **delta_ids: str) -> None:
        self._count, self._delta_ids = count, delta_ids

    def count(self) -> int:
        return self._count

    def delta_ids(self, ids: Sequence[str]) -> Mapping[str, str]:
        return {i: self._delta_ids[i] for i in ids if i in self._delta_ids}


OWN, COMPACTORS = DeleteLimit(0.1, 2), DeleteLimit(0.2, 4)


class Setup:
    """A repair on fakes, of a collection of two dimensions."""

    def __init__(
        self, objects: InMemoryDeltas | None = None, taken: int = 0, **records: Records
    ) -> None:
        self.changes, self.deltas = Changes(), Deltas(taken)
        self.objects = objects or InMemoryDeltas()
        self.held = {LINES: records.get("lines", Records()), WORDS: records.get("words", Records())}
        self.ledger = Ledger()
        self.repair = Repair(
            self.changes,
            self.deltas,
            NewestVectors(DeltaIndex(self.objects), self.objects, lambda _: 2),
            self.held,
            Guard(OWN, COMPACTORS),
            ManualClock(),
            Random(1),
            self.ledger,
        )

    def plan(self, *faults: Fault):
        self.ledger.note(*faults)
        return self.repair.plan()


def fault(remedy: Remedy, chroma_id: str, collection: Collection = LINES) -> Fault:
    return Fault(remedy, collection, chroma_id)


def test_differences_are_sent_as_inserts_and_strangers_as_removals() -> None:
    setup = Setup()
    setup.plan(
        fault(Remedy.RECOMPUTE, line(1).chroma_id), fault(Remedy.REMOVE, word(2).chroma_id, WORDS)
    )
    assert setup.changes.sent == [], "planning sends nothing"
    assert setup.repair.send() == 2
    sent = {change.key: change.event_name for change in setup.changes.sent}
    assert sent == {line(1): "INSERT", word(2): "REMOVE"}


def test_many_changes_are_sent_a_thousand_at_a_time() -> None:
    setup = Setup()
    setup.plan(*(fault(Remedy.RECOMPUTE, line(n).chroma_id) for n in range(2_500)))
    told: list[int] = []
    setup.repair.send(told.append)
    assert setup.changes.calls == [1_000, 1_000, 500]
    assert sum(told) == 2_500


def test_a_missing_record_gets_its_newest_delta_again_as_it_is() -> None:
    objects = InMemoryDeltas()
    objects.put(DELTAS[0], line(1).chroma_id, line(2).chroma_id)
    objects.put(DELTAS[1], line(2).chroma_id)
    objects.put(DELTAS[2], line(3).chroma_id)
    setup = Setup(objects)
    plan = setup.plan(fault(Remedy.RESEND, line(2).chroma_id))
    setup.repair.send()
    assert setup.deltas.sent == [Delta.of(LINES, DELTAS[1], 1)]
    assert setup.deltas.stored == []
    assert (plan.resent, plan.is_left) == (1, False)


def test_a_record_with_an_older_vector_gets_the_newest_delta_and_one_delta_is_sent_once() -> None:
    ids = [line(n).chroma_id for n in range(1, 4)]
    objects = InMemoryDeltas()
    objects.put(DELTAS[0], *ids)
    objects.put(DELTAS[1], *ids)
    setup = Setup(objects, lines=Records(**dict.fromkeys(ids, DELTAS[0])))
    plan = setup.plan(*(fault(Remedy.RESEND, chroma_id) for chroma_id in ids))
    assert setup.repair.send() == 1
    assert setup.deltas.sent == [Delta.of(LINES, DELTAS[1], 3)]
    assert plan.resent == 3


def test_a_delta_that_the_compactor_refuses_is_not_sent_again() -> None:
    """Of another dimension, or broken: the record gets the delta before it, or is listed."""
    objects = InMemoryDeltas(broken=[DELTAS[3]])
    one, two = line(1).chroma_id, line(2).chroma_id
    objects.put(DELTAS[0], one)
    objects.put(DELTAS[1], one, two, dimension=8)
    objects.put(DELTAS[3], two)
    setup = Setup(objects)
    plan = setup.plan(fault(Remedy.RESEND, one), fault(Remedy.RESEND, two))
    setup.repair.send()
    assert setup.deltas.sent == [Delta.of(LINES, DELTAS[0], 1)]
    assert list(plan.reembed()) == [two]
    assert plan.is_left
    assert plan.unreadable == [f"deltas/receipt_lines/{DELTAS[n]}.npz" for n in (1, 3)]


def test_a_record_that_lost_its_vector_gets_its_row_as_a_delta_that_counts_as_newer() -> None:
    chroma_id = line(1).chroma_id
    objects = InMemoryDeltas()
    objects.put(DELTAS[0], chroma_id, line(2).chroma_id)
    setup = Setup(objects, lines=Records(**{chroma_id: DELTAS[0]}))
    setup.plan(fault(Remedy.RENEW, chroma_id))
    assert setup.repair.send() == 1
    (stored,) = setup.deltas.stored
    assert stored.ids == (chroma_id,)
    assert [delta.delta_id for delta in setup.deltas.sent] == [stored.delta_id]
    assert DELTAS[0] < stored.delta_id < LATER


def test_a_row_never_takes_the_place_of_another_delta() -> None:
    chroma_id = line(1).chroma_id
    objects = InMemoryDeltas()
    objects.put(DELTAS[0], chroma_id)
    setup = Setup(objects, taken=3, lines=Records(**{chroma_id: DELTAS[0]}))
    setup.plan(fault(Remedy.RENEW, chroma_id))
    assert setup.repair.send() == 1
    assert len(setup.deltas.stored) == 1
    always = Setup(objects, taken=99, lines=Records(**{chroma_id: DELTAS[0]}))
    always.plan(fault(Remedy.RENEW, chroma_id))
    with pytest.raises(DeltaExistsError):
        always.repair.send()


def test_a_record_that_lost_its_vector_gets_a_newer_delta_if_there_is_one() -> None:
    chroma_id = line(1).chroma_id
    objects = InMemoryDeltas()
    objects.put(DELTAS[0], chroma_id)
    objects.put(DELTAS[1], chroma_id)
    setup = Setup(objects, lines=Records(**{chroma_id: DELTAS[0]}))
    setup.plan(fault(Remedy.RENEW, chroma_id))
    setup.repair.send()
    assert (setup.deltas.stored, setup.deltas.sent) == ([], [Delta.of(LINES, DELTAS[1], 1)])


def test_a_vector_that_is_kept_nowhere_is_listed_for_embedding() -> None:
    held, missing = line(1).chroma_id, line(2).chroma_id
    objects = InMemoryDeltas()
    objects.put(DELTAS[0], held)
    setup = Setup(objects, lines=Records(**{held: DELTAS[1]}))
    plan = setup.plan(fault(Remedy.RENEW, held), fault(Remedy.RESEND, missing))
    assert sorted(plan.reembed()) == sorted([held, missing]), "an older vector is no remedy"
    assert setup.repair.send() == 0


def test_what_can_only_be_repaired_by_hand_is_listed_with_its_reason() -> None:
    plan = Setup().plan(Fault(Remedy.BY_HAND, LINES, "x", "because"))
    assert list(plan.by_hand()) == [("x", "because")]
    assert list(plan.to_json()["by_hand"]) == [{"id": "x", "reason": "because"}]
    summary = plan.summary()
    assert (summary.is_left, summary.content["by_hand"][0]["id"]) == (True, "x")


@pytest.mark.parametrize(("deletes", "records", "refused"), [(11, 100, True), (10, 100, False)])
def test_too_many_deletions_are_refused(deletes: int, records: int, refused: bool) -> None:
    setup = Setup(lines=Records(records))
    faults = [fault(Remedy.REMOVE, line(n).chroma_id) for n in range(deletes)]
    if not refused:
        assert setup.plan(*faults).remove == deletes
        return
    with pytest.raises(MassDeleteError, match="sent nothing"):
        setup.plan(*faults)


def test_more_deletions_than_the_compactor_takes_are_refused_whatever_the_operator_says() -> None:
    """Else the command says "removed", and the compactor's guard refuses every cycle of it."""
    anything = Guard(DeleteLimit(1, 0), COMPACTORS)
    anything.check(LINES, 20, 100)
    with pytest.raises(MassDeleteError, match="MAX_DELETE_SHARE=1 on the compactor"):
        anything.check(LINES, 21, 100)


def test_what_is_removed_beyond_a_limit_is_told_a_collection_so_that_somebody_can_be_asked() -> (
    None
):
    setup = Setup(words=Records(1_000))
    many = [fault(Remedy.REMOVE, line(n).chroma_id) for n in range(8)]
    many += [fault(Remedy.REMOVE, word(n).chroma_id, WORDS) for n in range(8)]
    setup.plan(*many)
    assert setup.repair.beyond(DeleteLimit(0.05, 2)) == ["8 of 100 records of receipt_lines"]
    assert setup.repair.beyond(DeleteLimit(0.05, 8)) == []


def test_each_collection_has_its_own_share_and_a_floor_that_may_always_go() -> None:
    Guard(OWN, COMPACTORS).check(LINES, 2, 3)
    with pytest.raises(MassDeleteError):
        Guard(OWN, COMPACTORS).check(LINES, 3, 3)
    many = [fault(Remedy.REMOVE, line(n).chroma_id) for n in range(8)]
    many += [fault(Remedy.REMOVE, word(n).chroma_id, WORDS) for n in range(8)]
    assert Setup().plan(*many).remove == 16


class Outbox:
    """Takes messages, or leaves some."""

    def __init__(self, leaves: int = 0) -> None:
        self.messages: list[OutgoingMessage] = []
        self.leaves = leaves

    def send(
        self, messages: Sequence[OutgoingMessage], deadline: Deadline
    ) -> list[OutgoingMessage]:
        self.messages += messages
        return list(messages[: self.leaves])


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
        NewestVectors(DeltaIndex(objects), objects, lambda _: None),
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
        newest = NewestVectors(DeltaIndex(objects), objects, lambda _: None)
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


def test_an_empty_plan_has_no_steps() -> None:
    setup = Setup()
    assert setup.plan().steps == 0
    assert setup.repair.send() == 0


def test_a_key_of_a_fault_is_that_of_its_id() -> None:
    assert Fault(Remedy.REMOVE, LINES, LINE.chroma_id).key == EntityKey("img", 1, 1)


@pytest.mark.parametrize("held", ["no ULID", "0" * 26, "8" + "Z" * 25, "ü"])
def test_a_damaged_delta_id_of_one_record_does_not_end_the_repair(held: str) -> None:
    objects = InMemoryDeltas()
    objects.put(DELTAS[0], LINE.chroma_id)
    setup = Setup(objects, lines=Records(100, **{LINE.chroma_id: held}))
    plan = setup.plan(fault(Remedy.RENEW, LINE.chroma_id))
    assert (plan.deltas, plan.reembed_count) == (1, 0)
