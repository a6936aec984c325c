"""The content of a dead letter, its reason, and its remedy."""

import json
from dataclasses import replace
from typing import Any

import pytest

from receipt_ops.dead_letters.content import FailureRecord, StreamRecordContent, content_of
from receipt_ops.dead_letters.explanation import Outlook, comes_back, concerns, explain
from receipt_ops.dead_letters.queue import DeadLetter
from receipt_sync.errors import IndexFailedError, PoisonMessageError, SnapshotDamagedError
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import batch_body, to_body
from tests.support.fakes.system import line, metadata, word
from tests.unit.receipt_ops.dead_letters.in_memory_queue import (
    DELTA,
    FAILURE,
    KEYS,
    MALFORMED,
    Deltas,
    batch_of,
    change_body,
    dead_letter,
)


def test_a_dead_letter_says_what_it_is_about() -> None:
    failure = content_of(json.dumps(FAILURE))
    assert isinstance(failure, FailureRecord)
    assert (failure.shard_id, failure.start, failure.end, failure.size) == (
        "shard-1",
        "100",
        "102",
        3,
    )
    record = content_of(json.dumps({"dynamodb": {"Keys": KEYS}}))
    assert isinstance(record, StreamRecordContent)
    assert record.key == line(1)
    malformed = content_of(json.dumps({"dynamodb": {"Keys": MALFORMED}}))
    assert isinstance(malformed, StreamRecordContent)
    assert malformed.key is None
    assert "five digits" in str(malformed.fault)


@pytest.mark.parametrize(
    "body",
    [
        "not json",
        "[]",
        '{"source": "x"}',
        json.dumps({"DDBStreamBatchInfo": 1}),
        "{}",
        json.dumps(FAILURE).replace('"batchSize": 3', '"batchSize": 1e999'),
        json.dumps(FAILURE).replace('"102"', '"the last one"'),
        json.dumps(FAILURE).replace('"100"', "null"),
    ],
)
def test_what_holds_nothing_of_ours_is_poison(body: str) -> None:
    assert isinstance(content_of(body), PoisonMessageError)


@pytest.mark.parametrize("context", ["gone", ["gone"], None, 1])
def test_a_part_of_the_stream_is_known_whatever_its_context_is(context: Any) -> None:
    found = content_of(json.dumps({**FAILURE, "requestContext": context}))
    assert isinstance(found, FailureRecord)
    assert (found.end, found.condition) == ("102", "")


@pytest.mark.parametrize("record", [{}, {"dynamodb": None}, {"dynamodb": {"Keys": {"PK": 1}}}])
def test_an_odd_stream_record_has_no_entity(record: dict[str, Any]) -> None:
    content = content_of(json.dumps({"dynamodb": None, **record}))
    assert isinstance(content, StreamRecordContent)
    assert (content.key, content.pk) == (None, "")


@pytest.mark.parametrize(
    ("one", "deltas", "outlook", "remedy"),
    [
        (dead_letter("junk", "not JSON"), Deltas(), Outlook.REFUSED, "dlq drop"),
        (dead_letter(change_body(), "Chroma failed"), Deltas(), Outlook.UNKNOWN, "compare"),
        (dead_letter(change_body()), Deltas(), Outlook.UNPROVEN, "dlq redrive 1`"),
        (dead_letter(to_body(DELTA), "gone"), Deltas(), Outlook.REFUSED, "let its producer store"),
        (dead_letter(to_body(DELTA), "gone"), Deltas(deleted=True), Outlook.REFUSED, "dlq restore"),
        (dead_letter(to_body(DELTA), "gone"), Deltas(batch_of(2)), Outlook.TAKEN, "redrive"),
        (
            dead_letter(to_body(DELTA), f"{batch_of(2).ids[0]}: 5000 bytes of text are too many"),
            Deltas(batch_of(2)),
            Outlook.UNKNOWN,
            "repair the item of the record that the reason names",
        ),
        (dead_letter(to_body(DELTA), "x"), Deltas(batch_of(3)), Outlook.REFUSED, "new delta"),
        (dead_letter(to_body(DELTA)), Deltas(batch_of(2)), Outlook.UNPROVEN, "dlq redrive 1`"),
        (
            dead_letter({"dynamodb": {"Keys": KEYS}}, "x"),
            Deltas(),
            Outlook.TAKEN,
            "reads the entity from the table",
        ),
        (
            dead_letter({"dynamodb": {"Keys": MALFORMED}}, "x"),
            Deltas(),
            Outlook.REFUSED,
            "under a correct key",
        ),
        (dead_letter(FAILURE), Deltas(), Outlook.REPLAY, "receipt-sync replay"),
        (
            dead_letter(batch_body([change_body(), '{"a": 1}'])),
            Deltas(),
            Outlook.PART,
            "redrive it",
        ),
    ],
)
def test_every_dead_letter_has_an_outlook_and_a_remedy(
    one: DeadLetter, deltas: Deltas, outlook: Outlook, remedy: str
) -> None:
    found = explain(one, deltas)
    assert (found.outlook, remedy in found.remedy) == (outlook, True), found
    assert found.reason


@pytest.mark.parametrize(
    "error", [SnapshotDamagedError("a pack is gone"), IndexFailedError("Chroma's get failed")]
)
def test_a_dead_letter_is_explained_although_its_collection_can_not_be_opened(
    error: Exception,
) -> None:
    """Where a snapshot is damaged, dead letters pile up, and an operator asks why."""

    class Unopened(Deltas):
        def dimension(self, collection: Collection) -> int | None:
            raise error

    found = explain(dead_letter(to_body(DELTA), "a reason"), Unopened(batch_of(2)))
    assert (found.outlook, found.reason) == (Outlook.UNKNOWN, "a reason")
    assert str(error) in found.remedy
    assert comes_back(found) is None


def test_a_collection_without_vectors_takes_any_dimension() -> None:
    found = explain(dead_letter(to_body(DELTA), "x"), Deltas(batch_of(7), dimension=None))
    assert found.outlook is Outlook.TAKEN


@pytest.mark.parametrize(
    ("body", "key", "expected"),
    [
        (change_body(line(1)), line(1), True),
        (change_body(line(1)), line(2), True),
        (change_body(line(1)), line(3), False),
        (change_body(metadata()), word(1), True),
        (json.dumps({"dynamodb": {"Keys": KEYS}}), line(1), True),
        (json.dumps(FAILURE), line(1), False),
        ("junk", line(1), False),
    ],
)
def test_a_dead_letter_concerns_what_a_record_is_computed_from(
    body: str, key: EntityKey, expected: bool
) -> None:
    assert concerns(dead_letter(body), key) is expected


def test_a_dead_letter_that_would_come_back_is_named_with_the_reason() -> None:
    broken = explain(dead_letter("junk", "not JSON"), Deltas())
    assert "it would come back: not JSON; repair its sender" in str(comes_back(broken))
    partly = explain(dead_letter(batch_body([change_body(), '{"a": 1}'])), Deltas())
    assert comes_back(partly) is None


def test_how_often_a_dead_letter_was_looked_at_is_no_reason() -> None:
    often = replace(dead_letter(change_body()), receives=40)
    assert "40" not in explain(often, Deltas()).reason
