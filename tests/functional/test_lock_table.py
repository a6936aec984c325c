"""The lease's row on the local DynamoDB."""

from datetime import UTC, datetime, timedelta

import pytest

from compactor.lease import CompactionLock
from compactor.lock_table import DynamoDBLockTable

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(seconds=60)


def lock(owner: str, now: datetime = NOW) -> CompactionLock:
    return CompactionLock("main-lines", owner, now + MINUTE, now)


@pytest.fixture
def locks(dynamodb, table: str) -> DynamoDBLockTable:
    return DynamoDBLockTable(dynamodb, table)


def row(dynamodb, table: str) -> dict:
    key = {"PK": {"S": "LOCK#main-lines"}, "SK": {"S": "LOCK"}}
    return dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {})


def test_a_held_lock_is_refused_until_it_runs_out(locks: DynamoDBLockTable):
    assert locks.acquire(lock("a"), NOW)
    assert not locks.acquire(lock("b"), NOW + MINUTE)
    assert locks.acquire(lock("b"), NOW + MINUTE + timedelta(milliseconds=1))


def test_release_and_heartbeat_work_though_owner_is_a_reserved_word(
    locks: DynamoDBLockTable, dynamodb, table: str
):
    assert locks.acquire(lock("a"), NOW)
    later = NOW + timedelta(seconds=15)
    assert locks.extend(lock("a", later))
    assert not locks.extend(lock("b", later))
    assert row(dynamodb, table)["heartbeat"]["S"] == "2026-01-01T00:00:15.000+00:00"
    assert not locks.release("main-lines", "b")
    assert locks.release("main-lines", "a")
    assert row(dynamodb, table) == {}


def test_expiry_is_compared_in_milliseconds_and_ttl_only_cleans_up(
    locks: DynamoDBLockTable, dynamodb, table: str
):
    locks.acquire(lock("a"), NOW)
    item = row(dynamodb, table)
    assert item["expires_at"]["N"] == str(int((NOW + MINUTE).timestamp() * 1000))
    assert int(item["ttl"]["N"]) > (NOW + MINUTE).timestamp()


def test_a_whole_second_is_written_with_its_milliseconds(
    locks: DynamoDBLockTable, dynamodb, table: str
):
    locks.acquire(lock("a"), NOW)
    assert row(dynamodb, table)["expires"]["S"] == "2026-01-01T00:01:00.000+00:00"
