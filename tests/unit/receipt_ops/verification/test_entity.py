"""One entity as table, snapshot and queues have it; and the records whose vectors are stale."""

import json
from typing import Any

import pytest

from receipt_ops.dead_letters.queue import DeadLetter
from receipt_ops.loading.items import embedded, entities_of
from receipt_ops.loading.receipts import Line, Receipt
from receipt_ops.verification.entity import EntityView, view
from receipt_ops.verification.staleness import stale_ids
from receipt_ops.verification.verdict import Finding
from receipt_sync.deadline import Deadline
from receipt_sync.keys import Collection
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.system import InMemorySystem
from tests.unit.receipt_ops.fakes import InMemorySnapshot, ScannedTable, snapshots_of

RECEIPT = Receipt(
    receipt="r",
    company="Corner Cafe",
    lines=tuple(Line(text=text, box=(0, 0, 10, 10)) for text in ("COFFEE", "TEA", "TOTAL")),
)
METADATA = next(iter(entities_of(RECEIPT))).key
LINE = METADATA._replace(line_id=2)


class Setup:
    def __init__(self) -> None:
        self.table = ScannedTable()
        self.table.load([embedded(e) if e.key.collection else e for e in entities_of(RECEIPT)])
        self.snapshot: InMemorySnapshot = snapshots_of(self.table)[Collection.LINES]

    def view(self, *dead_letters: DeadLetter, **options: Any) -> EntityView:
        deadline = Deadline(ManualClock(), 10)
        held = {"dead letters": dead_letters}
        return view(LINE, self.table, self.snapshot, held, deadline, **options)


def test_a_record_that_is_as_it_should_be_is_equal() -> None:
    found = Setup().view()
    assert (found.finding, found.fields, found.messages) == (Finding.EQUAL, {}, [])
    assert found.item is not None
    assert found.record is not None
    assert found.record["text"] == found.item["text"] == "TEA"
    json.dumps(found.to_json(), default=str)


def test_a_record_with_an_older_vector_than_its_newest_delta_is_not_equal() -> None:
    """After a restore `verify` found it, and `compare` of the same record said equal."""
    setup = Setup()
    old = "01HZX0000000000000000000AA"
    setup.snapshot.change(LINE.chroma_id, delta_id=old)
    asked: list[Any] = []

    def newer(*question: Any) -> dict[str, str]:
        asked.append(question)
        return {LINE.chroma_id: "new"}

    found = setup.view(newer=newer)
    assert asked == [(Collection.LINES, {LINE.chroma_id: old})]
    assert found.finding is Finding.DIFFERENT
    assert found.fields["delta_id"] == ("new", old)


def tampered(setup: Setup) -> None:
    setup.snapshot.change(LINE.chroma_id, text="x")


def of_no_delta(setup: Setup) -> None:
    setup.snapshot.change(LINE.chroma_id, delta_id="zzz")


def deleted(setup: Setup) -> None:
    del setup.table.items[LINE]


def taken_out(setup: Setup) -> None:
    del setup.snapshot.records[LINE.chroma_id]


def nowhere(setup: Setup) -> None:
    deleted(setup)
    taken_out(setup)


def unpublished(setup: Setup) -> None:
    setup.snapshot.version = 0


def without_vector(setup: Setup) -> None:
    setup.snapshot.without_vector = {LINE.chroma_id}


@pytest.mark.parametrize(
    ("spoil", "finding", "fields"),
    [
        (tampered, Finding.DIFFERENT, {"text"}),
        (of_no_delta, Finding.DIFFERENT, {"delta_id"}),
        (deleted, Finding.UNEXPECTED, set()),
        (taken_out, Finding.MISSING, set()),
        (nowhere, None, set()),
        (unpublished, Finding.MISSING, set()),
        (without_vector, Finding.DIFFERENT, {"vector"}),
    ],
)
def test_every_finding_is_that_of_verify(
    spoil: Any, finding: Finding | None, fields: set[str]
) -> None:
    setup = Setup()
    spoil(setup)
    found = setup.view()
    assert (found.finding, set(found.fields)) == (finding, fields)
    json.dumps(found.to_json(), default=str)


def test_messages_about_it_are_listed_and_others_not() -> None:
    about = DeadLetter("1", InMemorySystem().change_body(METADATA), {"reason": "because"})
    other = DeadLetter("2", InMemorySystem().change_body(METADATA._replace(receipt_id=9)))
    (message,) = Setup().view(about, other).messages
    assert (message.queue, message.message_id, message.reason) == ("dead letters", "1", "because")


def test_stale_records_are_listed_in_reads_of_a_thousand() -> None:
    snapshot, seen = InMemorySnapshot(), list[int]()
    for number in range(2_300):
        stale = {"embedding_stale": True} if number % 1_000 == 7 else {}
        snapshot.put(f"id-{number}", {"text": "x", **stale}, "x")
    assert list(stale_ids(snapshot, seen.append)) == ["id-7", "id-1007", "id-2007"]
    assert seen == [1_000, 1_000, 300]
