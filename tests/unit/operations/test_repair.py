"""What a repair sends for each kind of fault, and what it refuses to send."""

import io
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

import numpy as np
import pytest
from ulid import ULID

from compactor.deltas import VectorBatch, decode, encode
from operations.errors import OperationError
from operations.repair.changes import ChangesNotSentError, QueueChanges, recompute, remove
from operations.repair.delta_objects import S3DeltaObjects, find, rows_of, successor
from operations.repair.remedies import Fault, Remedy, fault_of
from operations.repair.repairing import Guard, MassDeleteError, Plan, Repair
from operations.verdict import Example, FieldDifference, Finding
from operations.verification import Verification
from receipt_sync.deadline import Deadline
from receipt_sync.errors import DeltaRefusedError
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta, read_message, to_body
from stream_processor.detection import EntityChange
from stream_processor.packing import OutgoingMessage
from tests.fakes.clock import ManualClock
from tests.fakes.world import World, line, metadata, word
from tests.unit.operations.fakes import InMemorySnapshot, ScannedTable

LINES, WORDS = Collection.LINES, Collection.WORDS
LINE = line(1)
DELTAS = [str(ULID.from_int(n)) for n in range(1, 10)]


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
        (example(Finding.DIFFERENT, text="y", vector=None), Remedy.RESEND),
        (example(Finding.DIFFERENT, document=None), Remedy.RESEND),
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


class Objects:
    """Delta objects in memory; an id in `broken` can't be read."""

    def __init__(self, broken: Sequence[str] = ()) -> None:
        self.batches: dict[tuple[Collection, str], VectorBatch] = {}
        self.broken = broken
        self.reads: list[str] = []

    def put(self, delta_id: str, *ids: str, collection: Collection = LINES) -> None:
        vectors = np.full((len(ids), 2), len(self.batches), np.float32)
        batch = VectorBatch(delta_id, ids, vectors, tuple(f"text of {i}" for i in ids))
        self.batches[collection, delta_id] = batch

    def newest_first(self, collection: Collection) -> Iterator[str]:
        yield from sorted((d for c, d in self.batches if c is collection), reverse=True)

    def read(self, collection: Collection, delta_id: str) -> VectorBatch:
        self.reads.append(delta_id)
        if delta_id in self.broken or (collection, delta_id) not in self.batches:
            raise DeltaRefusedError("gone")
        return self.batches[collection, delta_id]


def test_vectors_are_found_in_the_newest_delta_that_holds_them_and_no_further() -> None:
    objects = Objects()
    objects.put(DELTAS[0], "a", "b")
    objects.put(DELTAS[1], "a", "c")
    objects.put(DELTAS[2], "d")
    found = find(objects, LINES, ["a", "d"])
    assert found.ids == {"a": DELTAS[1], "d": DELTAS[2]}
    assert found.lost == set()
    assert objects.reads == [DELTAS[2], DELTAS[1]], "the oldest need not be read"
    assert found.deltas[DELTAS[1]] == Delta.of(LINES, DELTAS[1], 2)


def test_what_no_delta_holds_is_lost_and_an_unreadable_delta_is_named() -> None:
    objects = Objects(broken=[DELTAS[1]])
    objects.put(DELTAS[0], "a")
    objects.put(DELTAS[1], "b")
    found = find(objects, LINES, ["a", "b"])
    assert (found.ids, found.lost) == ({"a": DELTAS[0]}, {"b"})
    assert found.unreadable == [f"deltas/receipt_lines/{DELTAS[1]}.npz"]


def test_nothing_is_read_for_nothing() -> None:
    objects = Objects()
    objects.put(DELTAS[0], "a")
    assert find(objects, LINES, []).deltas == {}
    assert objects.reads == []


def test_rows_of_a_delta_are_newer_than_it_and_older_than_the_next() -> None:
    objects = Objects()
    made, later = str(ULID()), str(ULID.from_timestamp(ULID().timestamp + 1))
    objects.put(made, "a", "b", "c")
    rows = rows_of(objects.read(LINES, made), {"c", "a"})
    assert (rows.ids, rows.texts) == (("a", "c"), ("text of a", "text of c"))
    assert made < rows.delta_id < later
    assert rows.delta_id == successor(made)


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
    """Deltas that were stored and sent."""

    def __init__(self) -> None:
        self.stored: list[VectorBatch] = []
        self.sent: list[Delta] = []

    def store(self, collection: Collection, batch: VectorBatch) -> Delta:
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


class Setup:
    """A repair on fakes."""

    def __init__(self, objects: Objects | None = None, **records: Records) -> None:
        self.changes, self.deltas = Changes(), Deltas()
        self.objects = objects or Objects()
        held = {LINES: records.get("lines", Records()), WORDS: records.get("words", Records())}
        guard = Guard(share=0.1, floor=2)
        self.repair = Repair(self.changes, self.deltas, self.objects, held, guard, ManualClock())


def fault(remedy: Remedy, chroma_id: str, collection: Collection = LINES) -> Fault:
    return Fault(remedy, collection, chroma_id)


def test_differences_are_sent_as_inserts_and_strangers_as_removals() -> None:
    setup = Setup()
    faults = [
        fault(Remedy.RECOMPUTE, line(1).chroma_id),
        fault(Remedy.REMOVE, word(2).chroma_id, WORDS),
    ]
    plan = setup.repair.plan(faults)
    assert setup.changes.sent == [], "planning sends nothing"
    assert setup.repair.send(plan) == 2
    sent = {change.key: change.event_name for change in setup.changes.sent}
    assert sent == {line(1): "INSERT", word(2): "REMOVE"}


def test_many_changes_are_sent_a_thousand_at_a_time() -> None:
    setup = Setup()
    faults = [fault(Remedy.RECOMPUTE, line(n).chroma_id) for n in range(2_500)]
    told: list[int] = []
    setup.repair.send(setup.repair.plan(faults), told.append)
    assert setup.changes.calls == [1_000, 1_000, 500]
    assert sum(told) == 2_500


def test_a_missing_record_gets_its_delta_again_as_it_is() -> None:
    objects = Objects()
    objects.put(DELTAS[0], line(1).chroma_id, line(2).chroma_id)
    setup = Setup(objects)
    plan = setup.repair.plan([fault(Remedy.RESEND, line(2).chroma_id)])
    setup.repair.send(plan)
    assert setup.deltas.sent == [Delta.of(LINES, DELTAS[0], 2)]
    assert setup.deltas.stored == []
    assert (plan.resent, plan.reembed) == (1, [])


def test_a_record_that_lost_its_vector_gets_its_row_as_a_delta_that_counts_as_newer() -> None:
    chroma_id = line(1).chroma_id
    objects = Objects()
    objects.put(DELTAS[0], chroma_id, line(2).chroma_id)
    setup = Setup(objects, lines=Records(**{chroma_id: DELTAS[0]}))
    setup.repair.send(setup.repair.plan([fault(Remedy.RESEND, chroma_id)]))
    (stored,) = setup.deltas.stored
    assert stored.ids == (chroma_id,)
    assert [delta.delta_id for delta in setup.deltas.sent] == [successor(DELTAS[0])]


def test_a_vector_that_is_kept_nowhere_is_listed_for_embedding() -> None:
    held, missing = line(1).chroma_id, line(2).chroma_id
    setup = Setup(lines=Records(**{held: DELTAS[0]}))
    plan = setup.repair.plan([fault(Remedy.RESEND, held), fault(Remedy.RESEND, missing)])
    assert sorted(plan.reembed) == sorted([held, missing])
    assert setup.repair.send(plan) == 0


def test_what_can_only_be_mended_by_hand_is_listed_with_its_reason() -> None:
    plan = Setup().repair.plan([Fault(Remedy.BY_HAND, LINES, "x", "because")])
    assert plan.by_hand == [("x", "because")]
    assert plan.to_json()["by_hand"] == [{"id": "x", "reason": "because"}]


@pytest.mark.parametrize(("deletes", "records", "refused"), [(11, 100, True), (10, 100, False)])
def test_too_many_deletions_are_refused(deletes: int, records: int, refused: bool) -> None:
    setup = Setup(lines=Records(records))
    faults = [fault(Remedy.REMOVE, line(n).chroma_id) for n in range(deletes)]
    if not refused:
        assert len(setup.repair.plan(faults).remove) == deletes
        return
    with pytest.raises(MassDeleteError, match="nothing was sent"):
        setup.repair.plan(faults)


def test_each_collection_has_its_own_share_and_a_floor_that_may_always_go() -> None:
    Guard(0.1, 2).check(LINES, 2, 3)
    with pytest.raises(MassDeleteError):
        Guard(0.1, 2).check(LINES, 3, 3)
    many = [fault(Remedy.REMOVE, line(n).chroma_id) for n in range(8)]
    many += [fault(Remedy.REMOVE, word(n).chroma_id, WORDS) for n in range(8)]
    assert len(Setup().repair.plan(many).remove) == 16


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
    faults: list[Fault] = []
    verify(lambda found: faults.append(fault_of(found)))
    assert len(faults) == planted
    outbox = Outbox()
    objects = _WorldObjects(world)
    repair = Repair(
        QueueChanges(outbox, world.clock),
        Deltas(),
        objects,
        {name: _WorldRecords(world, name) for name in Collection},
        Guard(0.9, 1000),
        world.clock,
    )
    plan = repair.plan(faults)
    repair.send(plan)
    bodies = [message.body for message in outbox.messages]
    bodies += [to_body(delta) for delta in plan.deltas]
    report = world.handle(world.worker(), *bodies)
    assert report.returned == {}
    assert verify(lambda _: None) == 0
    assert world.differences() == []


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
        return Verification(table, snapshots, world.clock, 0, found=found).run().faults

    return verify


class _WorldObjects(Objects):
    """The delta objects of the fakes' producer."""

    def __init__(self, world: World) -> None:
        super().__init__()
        for key, data in world.deltas.objects.items():
            _, collection, name = key.split("/")
            delta_id = name.removesuffix(".npz")
            self.batches[Collection(collection), delta_id] = _decoded(data, collection, delta_id)


def _decoded(data: bytes, collection: str, delta_id: str) -> VectorBatch:
    count = 40 if collection == LINES else 200
    return decode(data, Delta.of(Collection(collection), delta_id, count))


class _WorldRecords(Records):
    """The records of the fakes' published state."""

    def __init__(self, world: World, collection: Collection) -> None:
        records = world.index(collection).records
        super().__init__(
            len(records), **{i: r.metadata.get("delta_id", "") for i, r in records.items()}
        )


def test_an_empty_plan_has_no_steps() -> None:
    assert Plan().steps == 0
    assert Setup().repair.send(Plan()) == 0


def test_a_key_of_a_fault_is_that_of_its_id() -> None:
    assert Fault(Remedy.REMOVE, LINES, LINE.chroma_id).key == EntityKey("img", 1, 1)


class Bucket:
    """An S3 client with some objects, two a page, in the order of their keys as S3 has it."""

    def __init__(self, *keys: str) -> None:
        self.keys = sorted(keys)

    def get_paginator(self, _: str) -> "Bucket":
        return self

    def paginate(self, Bucket: str, Prefix: str) -> Iterator[dict[str, object]]:  # noqa: N803
        found = [{"Key": key} for key in self.keys if key.startswith(Prefix)]
        for at in range(0, len(found) + 1, 2):
            yield {"Contents": found[at : at + 2]} if found[at : at + 2] else {}


def test_delta_objects_of_a_collection_are_listed_newest_first() -> None:
    names = [f"deltas/receipt_lines/{delta_id}.npz" for delta_id in DELTAS[:3]]
    client: Any = Bucket(*names, f"deltas/receipt_words/{DELTAS[5]}.npz", "deltas/receipt_lines/x")
    found = list(S3DeltaObjects(client, "bucket").newest_first(LINES))
    assert found == [DELTAS[2], DELTAS[1], DELTAS[0]]


def test_a_delta_object_is_read_with_its_own_count_and_a_broken_one_refused() -> None:
    vectors = np.ones((2, 3), np.float32)
    ids = (line(1).chroma_id, line(2).chroma_id)
    content = encode(VectorBatch(DELTAS[0], ids, vectors, ("a", "b")))
    for data, readable in ((content, True), (b"junk", False)):
        client: Any = Stored(data)
        objects = S3DeltaObjects(client, "bucket")
        if readable:
            assert objects.read(LINES, DELTAS[0]).ids == ids
        else:
            with pytest.raises(DeltaRefusedError):
                objects.read(LINES, DELTAS[0])


class Stored:
    """An S3 client with one object."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def get_object(self, **_: object) -> dict[str, object]:
        return {"ContentLength": len(self.data), "Body": io.BytesIO(self.data)}
