"""The leases in the DynamoDB table, as operators see them."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from compactor.locking.dynamodb_lock_table import DynamoDBLockTable
from receipt_ops.locks import HeldLock, LeaseRowError
from receipt_sync.keys import Collection

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoDBLocks:
    """Locks on the DynamoDB table."""

    def __init__(self, client: "DynamoDBClient", table: str, every: timedelta) -> None:
        self._client, self._table, self._every = client, table, every

    def get(self, lock_id: str, collection: Collection) -> HeldLock | None:
        key = {"PK": {"S": f"LOCK#{lock_id}"}, "SK": {"S": "LOCK"}}
        answer: Any = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        item = answer.get("Item")
        if item is None:
            return None
        try:
            return HeldLock(
                lock_id=lock_id,
                collection=collection,
                owner=item["owner"]["S"],
                expires=datetime.fromtimestamp(int(item["expires_at"]["N"]) / 1000, UTC),
                heartbeat=_moment(item["heartbeat"]["S"]) if "heartbeat" in item else None,
                every=self._every,
            )
        except (LookupError, TypeError, ValueError, OverflowError, OSError) as error:
            raise LeaseRowError(
                f"the item {key['PK']['S']} of the table {self._table} is not a lease: delete it. "
                "A lease only saves work, so nothing is lost"
            ) from error

    def release(self, lock_id: str, owner: str) -> bool:
        return DynamoDBLockTable(self._client, self._table).release(lock_id, owner)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("the time has no time zone")
    return moment
