"""The remedy of each fault, and the deltas and changes that a repair sends."""

import pytest

from receipt_ops.repair.remedies import Fault, Remedy, fault_of
from receipt_ops.verification.verdict import Example, FieldDifference, Finding
from receipt_sync.errors import DeltaExistsError
from receipt_sync.keys import EntityKey
from receipt_sync.messages import Delta
from tests.support.fakes.system import line, word
from tests.unit.receipt_ops.fakes import InMemoryDeltas
from tests.unit.receipt_ops.repair.repairs import (
    DELTAS,
    LATER,
    LINE,
    LINES,
    WORDS,
    Records,
    Setup,
    fault,
)


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


@pytest.mark.parametrize(
    ("known", "held", "remedy"),
    [
        (DELTAS[2], DELTAS[1], Remedy.RESEND),
        (DELTAS[2], LATER, Remedy.BY_HAND),
        ("", LATER, Remedy.BY_HAND),
        (None, "no ULID", Remedy.RESEND),
    ],
)
def test_no_delta_is_sent_for_a_record_that_would_refuse_it(
    known: str | None, held: str, remedy: Remedy
) -> None:
    """The compactor never replaces a newer delta, and a damaged delta id may be newer than all."""
    fields = {"delta_id": FieldDifference(known, held)}
    found = fault_of(Example(Finding.DIFFERENT, LINES, LINE.chroma_id, fields))
    assert found.remedy is remedy
    assert ("delete the record yourself" in found.reason) == (remedy is Remedy.BY_HAND)


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
    seen: list[int] = []
    setup.repair.send(seen.append)
    assert setup.changes.calls == [1_000, 1_000, 500]
    assert sum(seen) == 2_500


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
    setup = Setup(objects, lines=Records(100, **dict.fromkeys(ids, DELTAS[0])))
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
    setup = Setup(objects, lines=Records(100, **{chroma_id: DELTAS[0]}))
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
    setup = Setup(objects, taken=3, lines=Records(100, **{chroma_id: DELTAS[0]}))
    setup.plan(fault(Remedy.RENEW, chroma_id))
    assert setup.repair.send() == 1
    assert len(setup.deltas.stored) == 1
    always = Setup(objects, taken=99, lines=Records(100, **{chroma_id: DELTAS[0]}))
    always.plan(fault(Remedy.RENEW, chroma_id))
    with pytest.raises(DeltaExistsError):
        always.repair.send()


def test_a_record_that_lost_its_vector_gets_a_newer_delta_if_there_is_one() -> None:
    chroma_id = line(1).chroma_id
    objects = InMemoryDeltas()
    objects.put(DELTAS[0], chroma_id)
    objects.put(DELTAS[1], chroma_id)
    setup = Setup(objects, lines=Records(100, **{chroma_id: DELTAS[0]}))
    setup.plan(fault(Remedy.RENEW, chroma_id))
    setup.repair.send()
    assert (setup.deltas.stored, setup.deltas.sent) == ([], [Delta.of(LINES, DELTAS[1], 1)])


def test_a_vector_that_is_kept_nowhere_is_listed_for_embedding() -> None:
    held, missing = line(1).chroma_id, line(2).chroma_id
    objects = InMemoryDeltas()
    objects.put(DELTAS[0], held)
    setup = Setup(objects, lines=Records(100, **{held: DELTAS[1]}))
    plan = setup.plan(fault(Remedy.RENEW, held), fault(Remedy.RESEND, missing))
    assert sorted(plan.reembed()) == sorted([held, missing]), "an older vector is no remedy"
    assert setup.repair.send() == 0


def test_what_can_only_be_repaired_by_hand_is_listed_with_its_reason() -> None:
    plan = Setup().plan(Fault(Remedy.BY_HAND, LINES, "x", "because"))
    assert list(plan.by_hand()) == [("x", "because")]
    assert list(plan.to_json()["by_hand"]) == [{"id": "x", "reason": "because"}]
    summary = plan.summary()
    assert (summary.is_left, summary.content["by_hand"][0]["id"]) == (True, "x")


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
