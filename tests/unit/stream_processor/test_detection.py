"""What a stream record says of one of our entities."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from receipt_sync.changes import FieldChange
from receipt_sync.errors import MalformedKeyError
from receipt_sync.fields import RELEVANT_FIELDS
from receipt_sync.keys import EntityKey, EntityType
from stream_processor.detection import detect
from tests.unit.stream_processor.records import (
    CREATED,
    LINE,
    METADATA,
    NEW,
    OLD,
    WORD,
    changed,
    raw_record,
    record,
    text_image,
)


def fields_of(stream_record: Any) -> set[str]:
    found = detect(stream_record)
    assert found is not None
    return set(found.changes)


@pytest.mark.parametrize("key", [LINE, WORD, METADATA])
@pytest.mark.parametrize("event", ["INSERT", "REMOVE"])
def test_every_entity_that_appears_or_goes_is_a_change(key: EntityKey, event: str) -> None:
    found = detect(record(key, event))
    assert found is not None
    assert (found.key, found.event_name) == (key, event)


def test_a_removal_is_a_change_with_tombstones() -> None:
    found = detect(record(event="REMOVE"))
    assert found is not None
    assert found.event_name == "REMOVE"
    assert found.changes["text"] == FieldChange("MILK 4.50", None)


def test_a_modified_field_travels_with_both_values() -> None:
    found = detect(record())
    assert found is not None
    assert found.changes == {"text": FieldChange("MILK 4.50", "MILK 4.60")}


def test_a_removed_attribute_is_a_tombstone() -> None:
    found = detect(record(old=text_image(is_noise={"BOOL": False}), new=text_image()))
    assert found is not None
    assert found.changes == {"is_noise": FieldChange(False, None)}


@pytest.mark.parametrize("field", RELEVANT_FIELDS[EntityType.METADATA])
def test_every_merchant_field_counts_the_canonical_ones_too(field: str) -> None:
    old, new = {field: {"S": "a"}}, {field: {"S": "b"}}
    assert fields_of(record(METADATA, old=old, new=new)) == {field}


def test_a_write_that_changes_nothing_relevant_is_no_change() -> None:
    old, new = text_image(GSI1PK={"S": "a"}), text_image(GSI1PK={"S": "b"})
    assert detect(record(old=old, new=new)) is None
    assert detect(record(old=OLD, new=OLD)) is None


def test_an_embedding_status_is_a_change_of_that_field_alone() -> None:
    assert fields_of(record(new=text_image(embedding_status={"S": "SUCCESS"}))) == {
        "embedding_status"
    }


def test_numbers_keep_all_their_digits() -> None:
    digits = "0.12345678901234567890123456789012345678"
    found = detect(record(new=text_image(confidence={"N": digits})))
    assert found is not None
    assert str(found.changes["confidence"].new) == digits


def test_every_type_of_value_is_detected() -> None:
    values: dict[str, Any] = {
        "text": {"B": "AP8="},
        "confidence": {"NS": ["1", "2"]},
        "bounding_box": {"M": {"x": {"N": "0.1"}, "y": {"NULL": True}}},
        "embedding_status": {"SS": ["a"]},
        "is_noise": {"L": [{"BOOL": True}, {"BS": ["AP8="]}]},
    }
    found = detect(record(event="INSERT", new=values))
    assert found is not None
    assert {field: change.new for field, change in found.changes.items()} == {
        "text": b"\x00\xff",
        "confidence": frozenset({1, 2}),
        "bounding_box": {"x": Decimal("0.1"), "y": None},
        "embedding_status": frozenset({"a"}),
        "is_noise": [True, frozenset({b"\x00\xff"})],
    }


@pytest.mark.parametrize(
    ("pk", "sk"),
    [
        (LINE.pk, "RECEIPT#00001#LINE#00002#WORD#00003#LABEL#TOTAL"),
        (LINE.pk, "RECEIPT#00001"),
        (LINE.pk, "RECEIPT#00001#OCR#METADATA"),
        (LINE.pk, "SUMMARY#METADATA"),
        ("LOCK#chroma-main-snapshot-lines", "LOCK"),
        ("USER#7", "PROFILE"),
        ("USER#7", "RECEIPT#00001#LINE#00002"),
    ],
)
@pytest.mark.parametrize("event", ["INSERT", "MODIFY", "REMOVE"])
def test_word_labels_heartbeats_and_other_peoples_items_are_passed_over(
    pk: str, sk: str, event: str
) -> None:
    assert detect(raw_record(pk, sk, event)) is None


@pytest.mark.parametrize(
    "sk", ["RECEIPT#00001#LINE#1", "RECEIPT#00001#LINE#x", "RECEIPT#1#METADATA"]
)
def test_our_shape_without_our_digits_is_malformed_and_named(sk: str) -> None:
    with pytest.raises(MalformedKeyError, match=sk):
        detect(raw_record(LINE.pk, sk))


def test_time_and_position_are_the_records_own() -> None:
    found = detect(record(sequence=4711, created=CREATED + 0.25))
    assert found is not None
    assert found.timestamp == datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC)
    assert found.sequence_number == "000000000000000004711"
    assert found.first_sequence == 4711
    assert found.stream_record_id == "event-4711"
    assert found.aws_region == "eu-west-1"


@pytest.mark.parametrize("kept", [{}, {"OldImage": OLD}, {"NewImage": NEW}])
def test_without_both_images_a_modified_item_may_have_changed_anything(
    kept: dict[str, Any],
) -> None:
    """Streams of keys only, of old images and of new images: no removed field may go unseen."""
    images = {"OldImage": None, "NewImage": None, **kept}
    assert fields_of(changed(record(), **images)) == set(RELEVANT_FIELDS[EntityType.LINE])


def test_without_images_an_item_that_went_is_still_a_change() -> None:
    found = detect(changed(record(event="REMOVE"), OldImage=None))
    assert found is not None
    assert (found.event_name, found.changes) == ("REMOVE", {})


def test_the_event_is_not_changed() -> None:
    stream_record = record()
    before = repr(stream_record)
    detect(stream_record)
    assert repr(stream_record) == before
