"""The lease's row in DynamoDB.

`owner` and `ttl` are reserved words and need a name placeholder. `expires_at` (epoch milliseconds)
is what is compared; `expires` and `heartbeat` (ISO 8601) are for people; `ttl` (epoch seconds) only
cleans up, because DynamoDB may take days to act on it.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from compactor.lease import CompactionLock
from receipt_sync.clock import epoch_ms

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_CLEAN_UP_AFTER_SECONDS: Final = 86_400


class DynamoDBLockTable:
    """LockTable on DynamoDB; a refused condition is an answer, every other error is raised."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._client, self._table = client, table_name

    def acquire(self, lock: CompactionLock, now: datetime) -> bool:
        return self._conditionally(
            self._client.put_item,
            Item={
                **_key(lock.lock_id),
                "TYPE": {"S": "COMPACTION_LOCK"},
                "owner": {"S": lock.owner},
                **_times(lock),
            },
            ConditionExpression="attribute_not_exists(PK) OR expires_at < :now",
            ExpressionAttributeValues={":now": {"N": str(epoch_ms(now))}},
        )

    def extend(self, lock: CompactionLock) -> bool:
        times = _times(lock)
        return self._conditionally(
            self._client.update_item,
            Key=_key(lock.lock_id),
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in times),
            ConditionExpression="#owner = :owner",
            ExpressionAttributeNames={"#owner": "owner", **{f"#{name}": name for name in times}},
            ExpressionAttributeValues={
                ":owner": {"S": lock.owner},
                **{f":{name}": value for name, value in times.items()},
            },
        )

    def release(self, lock_id: str, owner: str) -> bool:
        return self._conditionally(
            self._client.delete_item,
            Key=_key(lock_id),
            ConditionExpression="#owner = :owner",
            ExpressionAttributeNames={"#owner": "owner"},
            ExpressionAttributeValues={":owner": {"S": owner}},
        )

    def _conditionally(self, call: Any, **arguments: Any) -> bool:
        try:
            call(TableName=self._table, **arguments)
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True


def _key(lock_id: str) -> dict[str, Any]:
    return {"PK": {"S": f"LOCK#{lock_id}"}, "SK": {"S": "LOCK"}}


def _times(lock: CompactionLock) -> dict[str, Any]:
    expires_at = epoch_ms(lock.expires)
    return {
        "expires": {"S": lock.expires.astimezone(UTC).isoformat(timespec="milliseconds")},
        "heartbeat": {"S": lock.heartbeat.astimezone(UTC).isoformat(timespec="milliseconds")},
        "expires_at": {"N": str(expires_at)},
        "ttl": {"N": str(expires_at // 1000 + _CLEAN_UP_AFTER_SECONDS)},
    }
