"""The row of the lease in DynamoDB.

`owner` and `ttl` are reserved words and need a name placeholder. Conditions compare `expires_at`
(epoch milliseconds). `expires` and `heartbeat` (ISO 8601) are for people. `ttl` (epoch seconds)
only removes old rows, because DynamoDB may take days to act on it.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from compactor.locking.lock_table import CompactionLock
from receipt_index.lost_answers import may_have_been_done
from receipt_sync.clock import epoch_ms
from receipt_sync.errors import LockTableError
from receipt_sync.update_expression import set_attributes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_CLEAN_UP_AFTER_SECONDS: Final = 86_400


class DynamoDBLockTable:
    """A LockTable on DynamoDB.

    Every condition also holds for the owner that the row already names. So a write whose answer was
    lost can be repeated, by the client or here. The repetition succeeds on the effect of the first
    write.
    """

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._client, self._table = client, table_name

    def acquire(self, lock: CompactionLock, now: datetime) -> str:
        """See `LockTable.acquire`."""
        refused = self._conditionally(
            self._client.put_item,
            Item={
                **_key(lock.lock_id),
                "TYPE": {"S": "COMPACTION_LOCK"},
                "owner": {"S": lock.owner},
                **_times(lock),
            },
            ConditionExpression="attribute_not_exists(PK) OR expires_at < :now OR #owner = :owner",
            ExpressionAttributeNames={"#owner": "owner"},
            ExpressionAttributeValues={
                ":now": {"N": str(epoch_ms(now))},
                ":owner": {"S": lock.owner},
            },
        )
        return lock.owner if refused is None else _owner_of(refused)

    def extend(self, lock: CompactionLock) -> bool:
        """See `LockTable.extend`."""
        update = set_attributes(_times(lock))
        update["ExpressionAttributeNames"]["#owner"] = "owner"
        update["ExpressionAttributeValues"][":owner"] = {"S": lock.owner}
        refused = self._conditionally(
            self._client.update_item,
            Key=_key(lock.lock_id),
            ConditionExpression="#owner = :owner",
            **update,
        )
        return refused is None

    def release(self, lock_id: str, owner: str) -> bool:
        """See `LockTable.release`."""
        refused = self._conditionally(
            self._client.delete_item,
            Key=_key(lock_id),
            ConditionExpression="#owner = :owner",
            ExpressionAttributeNames={"#owner": "owner"},
            ExpressionAttributeValues={":owner": {"S": owner}},
        )
        return not refused  # an empty row means that the lock was released before

    def _conditionally(self, call: Callable[..., Any], **arguments: Any) -> dict[str, Any] | None:
        """Write on a condition. Return None if the write took effect, else the row that refused it.

        The row is empty if there is none. Raises LockTableError if DynamoDB does not answer, or
        answers anything else.
        """
        try:
            return self._answer(call, arguments)
        except (BotoCoreError, ClientError) as error:
            if not may_have_been_done(error):
                raise LockTableError(_unanswered(arguments, error)) from error
        try:
            return self._answer(call, arguments)
        except (BotoCoreError, ClientError) as error:
            raise LockTableError(_unanswered(arguments, error)) from error

    def _answer(self, call: Callable[..., Any], arguments: Any) -> dict[str, Any] | None:
        try:
            call(TableName=self._table, ReturnValuesOnConditionCheckFailure="ALL_OLD", **arguments)
        except self._client.exceptions.ConditionalCheckFailedException as error:
            answer: Any = error.response
            return dict(answer.get("Item", {}))
        return None


def _owner_of(row: dict[str, Any]) -> str:
    """Return the owner that a row names. An empty text is no owner's id."""
    owner: str = row.get("owner", {}).get("S", "")
    return owner


def _unanswered(arguments: dict[str, Any], error: BotoCoreError | ClientError) -> str:
    key = arguments.get("Key") or arguments["Item"]
    reason = (
        error.response.get("Error", {}).get("Code", "")
        if isinstance(error, ClientError)
        else type(error).__name__
    )
    return (
        f"the row {key['PK']['S']} of the lease could not be written ({reason}): the lease ends by "
        "itself when it runs out"
    )


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
