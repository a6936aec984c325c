"""Which fields of an entity changed, and which fields count."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipt_sync.changes import FieldChange, detect_changes, every_field
from receipt_sync.errors import MalformedValueError
from receipt_sync.fields import RELEVANT_FIELDS
from receipt_sync.keys import EntityType

LINE = EntityType.LINE


def image(**fields: str) -> dict[str, Any]:
    return {name: {"S": value} for name, value in fields.items()}


def test_the_fields_of_a_receipts_metadata_are_the_merchants_canonical_ones_included() -> None:
    assert set(RELEVANT_FIELDS[EntityType.METADATA]) == {
        "canonical_merchant_name",
        "merchant_name",
        "merchant_category",
        "address",
        "phone_number",
        "place_id",
        "canonical_address",
        "canonical_phone_number",
        "canonical_place_id",
    }


@pytest.mark.parametrize("entity_type", [EntityType.LINE, EntityType.WORD])
def test_the_fields_of_lines_and_words_are_their_own(entity_type: EntityType) -> None:
    assert set(RELEVANT_FIELDS[entity_type]) == {
        "text",
        "confidence",
        "bounding_box",
        "embedding_status",
        "is_noise",
    }


@pytest.mark.parametrize("field", RELEVANT_FIELDS[EntityType.METADATA])
def test_a_change_of_any_merchant_field_is_seen(field: str) -> None:
    changes = detect_changes(EntityType.METADATA, image(**{field: "a"}), image(**{field: "b"}))
    assert changes == {field: FieldChange("a", "b")}


@pytest.mark.parametrize("field", RELEVANT_FIELDS[EntityType.LINE])
@pytest.mark.parametrize("entity_type", [EntityType.LINE, EntityType.WORD])
def test_a_change_of_any_own_field_is_seen(entity_type: EntityType, field: str) -> None:
    changes = detect_changes(entity_type, image(**{field: "a"}), image(**{field: "b"}))
    assert changes == {field: FieldChange("a", "b")}


def test_an_insert_names_every_field_that_is_there() -> None:
    assert detect_changes(LINE, None, image(text="MILK", PK="x")) == {
        "text": FieldChange(None, "MILK")
    }


def test_a_remove_names_every_field_that_was_there() -> None:
    assert detect_changes(LINE, image(text="MILK", embedding_status="SUCCESS"), None) == {
        "text": FieldChange("MILK", None),
        "embedding_status": FieldChange("SUCCESS", None),
    }


def test_a_removed_attribute_is_a_tombstone() -> None:
    before, after = image(text="MILK", embedding_status="SUCCESS"), image(text="MILK")
    assert detect_changes(LINE, before, after) == {"embedding_status": FieldChange("SUCCESS", None)}


def test_an_attribute_that_becomes_null_is_a_tombstone_too() -> None:
    assert detect_changes(LINE, image(text="MILK"), {"text": {"NULL": True}}) == {
        "text": FieldChange("MILK", None)
    }


def test_absent_and_null_are_the_same() -> None:
    assert detect_changes(LINE, {}, {"text": {"NULL": True}}) == {}


def test_other_peoples_fields_do_not_count() -> None:
    assert detect_changes(LINE, image(text="a", GSI1PK="x"), image(text="a", GSI1PK="y")) == {}


def test_a_field_of_another_entity_type_does_not_count() -> None:
    assert detect_changes(LINE, image(merchant_name="a"), image(merchant_name="b")) == {}
    assert detect_changes(EntityType.METADATA, image(text="a"), image(text="b")) == {}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"N": "1"}, {"BOOL": True}),
        ({"N": "0"}, {"BOOL": False}),
        ({"L": [{"N": "1"}]}, {"L": [{"BOOL": True}]}),
        ({"S": "1"}, {"N": "1"}),
        ({"S": ""}, {"NULL": True}),
    ],
)
def test_a_value_that_changes_its_type_has_changed(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert "is_noise" in detect_changes(LINE, {"is_noise": before}, {"is_noise": after})


def test_numbers_are_compared_with_all_their_digits() -> None:
    before, after = (
        "0.12345678901234567890123456789012345678",
        "0.12345678901234567890123456789012345679",
    )
    assert float(before) == float(after)
    changes = detect_changes(LINE, {"confidence": {"N": before}}, {"confidence": {"N": after}})
    assert list(changes) == ["confidence"]


def test_a_change_inside_a_bounding_box_is_a_change_of_the_box() -> None:
    before = {"bounding_box": {"M": {"x": {"N": "0.1"}, "y": {"N": "0.2"}}}}
    after = {"bounding_box": {"M": {"x": {"N": "0.1"}, "y": {"N": "0.3"}}}}
    assert list(detect_changes(LINE, before, after)) == ["bounding_box"]


def test_an_embedding_run_changes_its_status_and_nothing_else() -> None:
    changes = detect_changes(
        LINE, image(embedding_status="PENDING"), image(embedding_status="SUCCESS")
    )
    assert list(changes) == ["embedding_status"]


def test_a_record_without_images_may_have_changed_anything() -> None:
    for entity_type, fields in RELEVANT_FIELDS.items():
        assert set(every_field(entity_type)) == set(fields)


def test_a_value_of_no_type_is_refused_with_its_field_and_without_its_text() -> None:
    with pytest.raises(MalformedValueError, match=r"^text: ") as raised:
        detect_changes(LINE, None, {"text": {"MILK 4.50": "MILK 4.50"}})
    assert "MILK" not in str(raised.value)


images = st.dictionaries(
    st.sampled_from((*RELEVANT_FIELDS[EntityType.LINE], "PK", "other")),
    st.builds(lambda s: {"S": s}, st.text()),
)


@given(images, images)
def test_what_is_not_named_is_equal_and_what_is_named_differs(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    changes = detect_changes(LINE, before, after)
    for field in RELEVANT_FIELDS[EntityType.LINE]:
        assert (field in changes) == (before.get(field) != after.get(field))
    assert set(changes) <= set(RELEVANT_FIELDS[EntityType.LINE])
