from decimal import Decimal
from typing import Any

import pytest

from compactor.cycle.projection import ALL, Item, Part, neighbourhood, project
from receipt_index.records import Scalar
from receipt_sync.keys import EntityKey
from tests.support.fakes.system import line, metadata, word


def test_a_line_carries_its_own_fields_its_merchant_and_its_neighbours_texts() -> None:
    items: dict[EntityKey, Item] = {
        line(2): {
            "text": "TOTAL 9.00",
            "confidence": Decimal("0.98"),
            "bounding_box": {"x": 1, "y": Decimal("2.5"), "width": 3, "height": 4},
            "embedding_status": "SUCCESS",
            "is_noise": False,
        },
        line(1): {"text": "before"},
        line(3): {"text": "after"},
        metadata(): {"merchant_name": "Cafe", "canonical_place_id": "p1"},
    }
    held = {k: v for k, v in project(line(2), items, ALL, "TOTAL 9.00").items() if v is not None}
    assert held == {
        "image_id": "img",
        "receipt_id": 1,
        "line_id": 2,
        "text": "TOTAL 9.00",
        "confidence": 0.98,
        "bounding_box_x": 1.0,
        "bounding_box_y": 2.5,
        "bounding_box_width": 3.0,
        "bounding_box_height": 4.0,
        "embedding_status": "SUCCESS",
        "is_noise": False,
        "merchant_name": "Cafe",
        "canonical_place_id": "p1",
        "prev_line_text": "before",
        "next_line_text": "after",
    }


def test_a_words_context_is_that_of_its_own_line() -> None:
    items = {
        word(2): {"text": "b"},
        word(1): {"text": "a"},
        word(3, line_id=2): {"text": "other line"},
    }
    context = project(word(2), items, Part.CONTEXT)
    assert context == {"prev_word_text": "a", "next_word_text": None}


def test_a_bounding_box_becomes_four_scalars() -> None:
    projected = project(line(1), {line(1): {"bounding_box": {"x": 7}}}, Part.OWN)
    assert projected["bounding_box_x"] == 7.0
    assert projected["bounding_box_width"] is None
    assert not any(isinstance(value, dict) for value in projected.values())


def test_a_field_that_is_gone_from_the_table_is_a_tombstone() -> None:
    assert project(line(1), {line(1): {}}, Part.OWN)["confidence"] is None
    assert project(line(1), {line(1): {}}, Part.MERCHANT)["merchant_name"] is None


def test_a_text_that_differs_from_what_was_embedded_is_marked_stale() -> None:
    items = {line(1): {"text": "new"}}
    assert project(line(1), items, Part.OWN, "old")["embedding_stale"] is True
    assert project(line(1), items, Part.OWN, "new")["embedding_stale"] is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, 5),
        (2**63, float(2**63)),
        (Decimal("1.50"), 1.5),
        (True, True),
        ("", ""),
        (None, None),
        (["b", Decimal("1.10")], '["b", "1.10"]'),
        (frozenset({"y", "x"}), '["x", "y"]'),
        ({"street": "Jalan é"}, '{"street": "Jalan é"}'),
        (b"\x00\xff", '"AP8="'),
    ],
)
def test_every_legal_value_has_a_flat_scalar(value: Any, expected: Scalar | None) -> None:
    items = {line(1): {}, metadata(): {"address": value}}
    address = project(line(1), items, Part.MERCHANT)["address"]
    assert address == expected
    assert type(address) is type(expected)


def test_a_whole_confidence_is_a_float_as_the_others_are() -> None:
    assert type(project(line(1), {line(1): {"confidence": 1}}, Part.OWN)["confidence"]) is float


def test_a_projection_names_only_the_keys_of_its_parts() -> None:
    items = {line(1): {"text": "a"}}
    assert "merchant_name" not in project(line(1), items, Part.OWN)
    assert set(project(line(1), items, Part.CONTEXT)) == {"prev_line_text", "next_line_text"}
    assert set(project(line(1), items, Part.BEFORE)) == {"prev_line_text"}


def test_a_neighbourhood_reads_no_more_than_the_parts_need() -> None:
    assert neighbourhood(line(0), Part.OWN) == [line(0)]
    assert neighbourhood(line(0), Part.CONTEXT) == [line(0), line(1)]
    assert neighbourhood(line(3), Part.AFTER) == [line(3), line(4)]
    assert neighbourhood(word(5), ALL) == [word(5), metadata(), word(4), word(6)]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (-(2**63), int),
        (2**63 - 1, int),
        (-(2**63) - 1, float),
        (2**63, float),
        (10**37, float),
    ],
)
def test_a_whole_number_that_chroma_can_not_hold_becomes_a_float(value: int, kind: type) -> None:
    """Chroma's integers have 64 bits. DynamoDB's numbers have 38 digits."""
    held = project(line(1), {line(1): {"text": value}}, Part.OWN)["text"]
    assert held == kind(value)
    assert type(held) is kind
