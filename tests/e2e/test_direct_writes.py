"""Readers follow all changes that other programs make directly in the table."""

from random import Random
from typing import Any

import pytest

from receipt_ops.loading.items import Entity, embedded, entities_of
from receipt_ops.loading.receipts import Receipt
from receipt_ops.loading.synthetic import synthetic_receipts
from tests.e2e.conftest import System

COUNT, SEED = 6, 11


@pytest.fixture(scope="module")
def receipts(system: System) -> list[Receipt]:
    vectors = load_all(system)
    assert system.settled()["equal"] == vectors > 0
    return list(synthetic_receipts(COUNT, Random(SEED)))


def load_all(system: System) -> int:
    """Load every receipt, and return the number of sent vectors."""
    loaded = system.command("load", "--synthetic", str(COUNT), "--seed", str(SEED), "--json")
    assert loaded.code == 0, loaded.stderr
    return int(loaded.json["vectors"])


def entities(receipt: Receipt) -> list[Entity]:
    return list(entities_of(receipt))


def lines_of(verdict: dict[str, Any]) -> int:
    return int(verdict["collections"]["receipt_lines"]["records"])


def records_of(verdict: dict[str, Any]) -> int:
    return sum(int(counts["records"]) for counts in verdict["collections"].values())


def test_items_deleted_straight_from_the_table_leave_the_snapshot(
    system: System, receipts: list[Receipt]
) -> None:
    before = system.settled()
    doomed = [entity for entity in entities(receipts[0]) if entity.key.line_id in (2, 3)]
    system.writer.delete([entity.key for entity in doomed])
    after = system.settled()
    assert records_of(after) == records_of(before) - len(doomed)
    assert lines_of(after) == lines_of(before) - 2


def test_a_receipt_deleted_whole_leaves_nothing_behind(
    system: System, receipts: list[Receipt]
) -> None:
    before = system.settled()
    keys = [entity.key for entity in entities(receipts[1])]
    system.writer.delete(keys)
    after = system.settled()
    assert records_of(after) == records_of(before) - (len(keys) - 1)


def test_items_rewritten_whole_are_followed_field_by_field(
    system: System, receipts: list[Receipt]
) -> None:
    metadata, *others = entities(receipts[2])
    renamed = Entity(metadata.key, {**metadata.fields, "merchant_name": "Rewritten Ltd"})
    stripped = [
        Entity(e.key, {**embedded(e).fields, "is_noise": True, "confidence": None}) for e in others
    ]
    system.writer.put([renamed, *stripped])
    system.settled()
    found = system.command(
        "search", receipts[2].lines[0].text, "--merchant", "Rewritten Ltd", "--json"
    )
    assert next(hit["text"] for hit in found.json["hits"]) == receipts[2].lines[0].text


def test_an_item_rewritten_as_it_was_changes_nothing(
    system: System, receipts: list[Receipt]
) -> None:
    before = system.settled()
    metadata, *others = entities(receipts[3])
    system.writer.put([metadata, *(embedded(entity) for entity in others)])
    after = system.settled()
    assert records_of(after) == records_of(before)
    assert after["equal"] == before["equal"]


def test_an_edited_text_is_stale_until_its_new_vector_arrives(
    system: System, receipts: list[Receipt]
) -> None:
    line = next(e for e in entities(receipts[4]) if e.key.line_id == 2 and e.key.word_id is None)
    edited = Entity(line.key, {**embedded(line).fields, "text": "ANOTHER TEXT"})
    system.writer.put([edited])
    assert system.settled()["stale"] == 1
    load_all(system)
    assert system.settled()["stale"] == 0


def test_a_deleted_item_that_returns_is_pending_until_its_vector_does(
    system: System, receipts: list[Receipt]
) -> None:
    word = next(e for e in entities(receipts[5]) if e.key.word_id == 1)
    system.writer.delete([word.key])
    system.settled()
    system.writer.put([word])
    verdict = system.settled()
    assert verdict["pending"] == 1
    load_all(system)
    assert system.settled()["pending"] == 0
