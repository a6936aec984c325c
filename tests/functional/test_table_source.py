"""The table reader on the local DynamoDB."""

from decimal import Decimal
from random import Random
from typing import Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from compactor.cycle.dynamodb_plain_items import read_plain
from compactor.cycle.dynamodb_source import DynamoDBSource
from compactor.cycle.source import Members
from receipt_sync.clock import SystemClock
from receipt_sync.deadline import Deadline
from receipt_sync.errors import TableReadError
from receipt_sync.keys import Collection, EntityKey
from tests.functional.conftest import LocalAWS
from tests.support.fakes.system import line, metadata, word
from tests.support.fakes.telemetry import RecordingTelemetry


@pytest.fixture(params=["as botocore parses", "as JSON"])
def source(request: pytest.FixtureRequest, aws: LocalAWS, table: str) -> DynamoDBSource:
    client = aws.stack.clients().dynamodb
    if request.param == "as JSON":
        read_plain(client)
    return DynamoDBSource(client, table, Random(1), RecordingTelemetry())


@pytest.fixture
def deadline() -> Deadline:
    return Deadline(SystemClock(), 30)


def put(dynamodb: DynamoDBClient, table: str, pk: str, sk: str, **fields: Any) -> None:
    dynamodb.put_item(TableName=table, Item={"PK": {"S": pk}, "SK": {"S": sk}, **fields})


def put_entity(dynamodb: DynamoDBClient, table: str, key: EntityKey, **fields: Any) -> None:
    put(dynamodb, table, key.pk, key.sk, **fields)


def test_items_are_read_decoded_and_absence_is_reported(
    source: DynamoDBSource, dynamodb: DynamoDBClient, table: str, deadline: Deadline
) -> None:
    put_entity(
        dynamodb,
        table,
        line(1),
        text={"S": "TOTAL"},
        confidence={"N": "0.1234567890123456789"},
        bounding_box={"M": {"x": {"N": "1"}}},
        is_noise={"BOOL": False},
        irrelevant={"S": "x" * 1000},
    )
    found = source.get([line(1), line(2)], deadline)
    assert found[line(2)] is None
    item = found[line(1)]
    assert item is not None
    assert str(item["confidence"]) == "0.1234567890123456789"
    assert item["bounding_box"] == {"x": 1}
    assert "irrelevant" not in item


def test_a_value_of_every_type_arrives(
    source: DynamoDBSource, dynamodb: DynamoDBClient, table: str, deadline: Deadline
) -> None:
    """The fields are mirrored ones, because the source reads no others."""
    values = {
        "text": {"B": b"\x00\xff"},
        "confidence": {"NS": ["1", "2.5"]},
        "is_noise": {"NULL": True},
        "embedding_status": {"BS": [b"a"]},
        "bounding_box": {"M": {"a": {"L": [{"S": "ü"}, {"BOOL": True}, {"SS": ["x"]}]}}},
    }
    put_entity(dynamodb, table, line(1), **values)
    item = source.get([line(1)], deadline)[line(1)]
    assert item is not None
    assert {name: item[name] for name in values} == {
        "text": b"\x00\xff",
        "confidence": frozenset({1, Decimal("2.5")}),
        "is_noise": None,
        "embedding_status": frozenset({b"a"}),
        "bounding_box": {"a": ["ü", True, frozenset({"x"})]},
    }


def test_250_keys_are_read_in_three_requests(
    source: DynamoDBSource, dynamodb: DynamoDBClient, table: str, deadline: Deadline
) -> None:
    keys = [line(number) for number in range(250)]
    for key in keys[::2]:
        put_entity(dynamodb, table, key, text={"S": "a"})
    found = source.get(keys, deadline)
    assert [key for key, item in found.items() if item is not None] == keys[::2]


def test_a_receipts_members_are_its_own_and_no_one_elses(
    source: DynamoDBSource, dynamodb: DynamoDBClient, table: str, deadline: Deadline
) -> None:
    for key in (metadata(), line(1), word(1), line(1, receipt_id=2), line(1, image_id="other")):
        put_entity(dynamodb, table, key, text={"S": "a"})
    put(dynamodb, table, "IMAGE#img", "RECEIPT#00001#LINE#00001#WORD#00001#LABEL#TOTAL")
    put(dynamodb, table, "IMAGE#img", "RECEIPT#00001")
    assert set(source.members([metadata().receipt], deadline)) == {metadata(), line(1), word(1)}


def test_the_keys_of_a_receipt_are_read_on_behind_one_that_is_gone(
    source: DynamoDBSource, dynamodb: DynamoDBClient, table: str, deadline: Deadline
) -> None:
    for number in (1, 2, 4, 5):
        put_entity(dynamodb, table, line(number), text={"S": "a"})
    put_entity(dynamodb, table, word(1), text={"S": "a"})

    def read(after: EntityKey | None, most: int) -> Members:
        return source.member_keys(metadata().receipt, Collection.LINES, after, most, deadline)

    assert read(None, 2) == Members([line(1), line(2)], whole=False)
    assert read(line(3), 2) == Members([line(4), line(5)], whole=True)
    assert read(line(2), 1) == Members([line(4)], whole=False)


def test_a_scan_yields_every_entity(
    source: DynamoDBSource, dynamodb: DynamoDBClient, table: str, deadline: Deadline
) -> None:
    for number in range(30):
        put_entity(dynamodb, table, line(number), text={"S": "x" * 100_000})
    put(dynamodb, table, "LOCK#a", "LOCK")
    assert {key for key, _ in source.scan(deadline)} == {line(n) for n in range(30)}


def test_a_table_that_is_not_there_is_an_error_and_no_absence(
    source: DynamoDBSource, deadline: Deadline
) -> None:
    source._table = "no-such-table"
    with pytest.raises(TableReadError, match="ResourceNotFoundException"):
        source.get([line(1)], deadline)
