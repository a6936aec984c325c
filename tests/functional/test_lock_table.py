"""The lease's item on the local DynamoDB."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from compactor.locking.dynamodb_lock_table import DynamoDBLockTable
from compactor.locking.lock_table import CompactionLock
from receipt_sync.errors import LockTableError
from tests.support.fakes.lost_answers import LosingAnswers

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(seconds=60)


def lock(owner: str, now: datetime = NOW) -> CompactionLock:
    return CompactionLock("main-lines", owner, now + MINUTE, now)


@pytest.fixture
def locks(dynamodb: DynamoDBClient, table: str) -> DynamoDBLockTable:
    return DynamoDBLockTable(dynamodb, table)


def row(dynamodb: DynamoDBClient, table: str) -> Mapping[str, Any]:
    key = {"PK": {"S": "LOCK#main-lines"}, "SK": {"S": "LOCK"}}
    return dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {})


def test_a_held_lock_is_refused_until_it_runs_out(locks: DynamoDBLockTable) -> None:
    assert locks.acquire(lock("a"), NOW) == "a"
    assert locks.acquire(lock("b"), NOW + MINUTE) == "a"
    assert locks.acquire(lock("b"), NOW + MINUTE + timedelta(milliseconds=1)) == "b"


def test_an_owner_that_acquires_its_own_lock_again_holds_it_for_longer(
    locks: DynamoDBLockTable, dynamodb: DynamoDBClient, table: str
) -> None:
    assert locks.acquire(lock("a"), NOW) == "a"
    assert locks.acquire(lock("a", NOW + MINUTE / 2), NOW + MINUTE / 2) == "a"
    assert row(dynamodb, table)["heartbeat"]["S"] == "2026-01-01T00:00:30.000+00:00"


@pytest.mark.parametrize("repeated", [False, True])
def test_a_lock_is_acquired_extended_and_released_though_the_answer_is_lost(
    dynamodb: DynamoDBClient, table: str, repeated: bool
) -> None:
    def losing(operation: str) -> DynamoDBLockTable:
        return DynamoDBLockTable(LosingAnswers(dynamodb, operation, repeated=repeated), table)  # type: ignore[arg-type]

    assert losing("put_item").acquire(lock("a"), NOW) == "a"
    assert losing("update_item").extend(lock("a", NOW + MINUTE))
    assert row(dynamodb, table)["heartbeat"]["S"] == "2026-01-01T00:01:00.000+00:00"
    assert losing("delete_item").release("main-lines", "a")
    assert row(dynamodb, table) == {}


def test_a_lock_table_that_never_answers_is_an_error_with_its_row(
    dynamodb: DynamoDBClient, table: str
) -> None:
    silent = DynamoDBLockTable(LosingAnswers(dynamodb, "put_item", times=9), table)  # type: ignore[arg-type]
    with pytest.raises(LockTableError, match=r"LOCK#main-lines .*\(ReadTimeoutError\)"):
        silent.acquire(lock("a"), NOW)


def test_release_and_heartbeat_work_though_owner_is_a_reserved_word(
    locks: DynamoDBLockTable, dynamodb: DynamoDBClient, table: str
) -> None:
    assert locks.acquire(lock("a"), NOW) == "a"
    later = NOW + timedelta(seconds=15)
    assert locks.extend(lock("a", later))
    assert not locks.extend(lock("b", later))
    assert row(dynamodb, table)["heartbeat"]["S"] == "2026-01-01T00:00:15.000+00:00"
    assert not locks.release("main-lines", "b")
    assert locks.release("main-lines", "a")
    assert row(dynamodb, table) == {}


def test_expiry_is_compared_in_milliseconds_and_ttl_only_cleans_up(
    locks: DynamoDBLockTable, dynamodb: DynamoDBClient, table: str
) -> None:
    locks.acquire(lock("a"), NOW)
    item = row(dynamodb, table)
    assert item["expires_at"]["N"] == str(int((NOW + MINUTE).timestamp() * 1000))
    assert int(item["ttl"]["N"]) > (NOW + MINUTE).timestamp()


def test_a_whole_second_is_written_with_its_milliseconds(
    locks: DynamoDBLockTable, dynamodb: DynamoDBClient, table: str
) -> None:
    locks.acquire(lock("a"), NOW)
    assert row(dynamodb, table)["expires"]["S"] == "2026-01-01T00:01:00.000+00:00"
