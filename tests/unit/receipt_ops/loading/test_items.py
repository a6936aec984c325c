"""Receipts as items: keys, attributes, types."""

from decimal import Decimal
from typing import Any

from receipt_ops.loading.dynamodb_items import item_of
from receipt_ops.loading.items import Entity, canonical_name, embedded, entities_of, image_id_of
from receipt_ops.loading.receipts import Line, Receipt
from receipt_sync.attributes import decode_item
from receipt_sync.keys import EntityType, parse_key

IMAGE = "831335f0-f72b-5528-9751-04394db26855"
RECEIPT = Receipt(
    receipt="000",
    company="Corner  Cafe",
    address="1 High Street",
    date="25/12/2018",
    total="9.00",
    lines=(
        Line(text="TOTAL 9.00", box=(10, 20, 110, 40), confidence=0.9731),
        Line(text="THANKS", box=(10.5, 60, 71.25, 80)),
    ),
)


def items() -> list[dict[str, Any]]:
    return [item_of(entity) for entity in entities_of(RECEIPT)]


def by_sk(sk: str) -> dict[str, Any]:
    (item,) = (item for item in items() if item["SK"]["S"] == sk)
    return item


def test_a_receipt_is_metadata_then_each_line_with_its_words() -> None:
    assert [item["SK"]["S"] for item in items()] == [
        "RECEIPT#00001#METADATA",
        "RECEIPT#00001#LINE#00001",
        "RECEIPT#00001#LINE#00001#WORD#00001",
        "RECEIPT#00001#LINE#00001#WORD#00002",
        "RECEIPT#00001#LINE#00002",
        "RECEIPT#00001#LINE#00002#WORD#00001",
    ]


def test_keys_follow_from_the_name_alone_on_every_machine() -> None:
    assert image_id_of("000") == IMAGE
    assert {item["PK"]["S"] for item in items()} == {f"IMAGE#{IMAGE}"}


def test_every_item_has_a_key_and_a_type_that_the_system_takes_for_its_own() -> None:
    for entity, item in zip(entities_of(RECEIPT), items(), strict=True):
        assert parse_key(item["PK"]["S"], item["SK"]["S"]) == entity.key
        assert item["TYPE"] == {"S": entity.key.entity_type.value}


def test_metadata_carries_what_the_file_says() -> None:
    item = decode_item(by_sk("RECEIPT#00001#METADATA"))
    assert item["TYPE"] == EntityType.METADATA
    assert item["merchant_name"] == "Corner  Cafe"
    assert item["canonical_merchant_name"] == "CORNER CAFE"
    assert item["address"] == "1 High Street"
    assert (item["date"], item["total"], item["receipt_name"]) == ("25/12/2018", "9.00", "000")


def test_a_line_is_written_in_dynamodbs_spelling() -> None:
    assert by_sk("RECEIPT#00001#LINE#00001") == {
        "PK": {"S": f"IMAGE#{IMAGE}"},
        "SK": {"S": "RECEIPT#00001#LINE#00001"},
        "TYPE": {"S": "RECEIPT_LINE"},
        "GSI1PK": {"S": "EMBEDDING_STATUS#PENDING"},
        "GSI1SK": {"S": f"IMAGE#{IMAGE}#RECEIPT#00001#LINE#00001"},
        "embedding_status": {"S": "PENDING"},
        "text": {"S": "TOTAL 9.00"},
        "bounding_box": {
            "M": {
                "x": {"N": "10"},
                "y": {"N": "20"},
                "width": {"N": "100"},
                "height": {"N": "20"},
            }
        },
        "confidence": {"N": "0.9731"},
        "is_noise": {"BOOL": False},
    }


def test_a_words_box_is_its_part_of_the_lines() -> None:
    box = decode_item(by_sk("RECEIPT#00001#LINE#00001#WORD#00002"))["bounding_box"]
    assert box == {"x": 70, "y": 20, "width": 40, "height": 20}


def test_pixels_are_kept_to_a_thousandth() -> None:
    box = by_sk("RECEIPT#00001#LINE#00002")["bounding_box"]["M"]
    assert (box["x"], box["width"]) == ({"N": "10.5"}, {"N": "60.75"})
    third = Line(text="A B", box=(0, 0, 1, 1))
    receipt = Receipt(receipt="x", lines=(third,))
    word = list(entities_of(receipt))[-1]
    assert word.fields["bounding_box"]["x"] == Decimal("0.667")


def test_confidence_is_there_only_if_known() -> None:
    assert "confidence" not in by_sk("RECEIPT#00001#LINE#00002")
    assert "confidence" not in by_sk("RECEIPT#00001#LINE#00002#WORD#00001")
    assert by_sk("RECEIPT#00001#LINE#00001#WORD#00001")["confidence"] == {"N": "0.9731"}


def test_fields_that_the_file_lacks_are_absent_and_not_null() -> None:
    (entity,) = entities_of(Receipt(receipt="bare", lines=()))
    assert set(item_of(entity)) == {"PK", "SK", "TYPE", "receipt_name"}


def test_an_embedded_entity_differs_in_its_status_and_nothing_else() -> None:
    line = list(entities_of(RECEIPT))[1]
    before, after = item_of(line), item_of(embedded(line))
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"embedding_status", "GSI1PK"}
    assert after["embedding_status"] == {"S": "SUCCESS"}
    assert after["GSI1PK"] == {"S": "EMBEDDING_STATUS#SUCCESS"}
    assert isinstance(embedded(line), Entity)


def test_a_canonical_name_is_upper_case_with_single_spaces() -> None:
    assert canonical_name(" Corner\tCafe  Ltd ") == "CORNER CAFE LTD"
