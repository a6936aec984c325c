"""Reads of the table in DynamoDB, page by page."""

from collections.abc import Iterator, Mapping
from random import Random
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from compactor.cycle.projection import Item
from receipt_ops.table_pages import Page, PageRequest
from receipt_sync.attributes import decode_item
from receipt_sync.deadline import Deadline
from receipt_sync.errors import MalformedKeyError
from receipt_sync.keys import EntityKey, parse_key
from receipt_sync.retries.backoff import pauses

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

THROTTLES: Final = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
    }
)


class TablePages:
    """Reads strongly consistent pages. It retries throttled calls within the deadline."""

    def __init__(self, client: "DynamoDBClient", table: str, randomness: Random) -> None:
        self._client, self._table, self._randomness = client, table, randomness

    def read(self, request: PageRequest, deadline: Deadline) -> Iterator[Page]:
        """Yield every page of a request.

        Raises the errors of botocore, and DeadlineNearError if DynamoDB throttles for too long.
        """
        call = getattr(self._client, request.operation)
        start: Mapping[str, Any] = {}
        while True:
            arguments = {**request.arguments, **start}
            answer = self._call(call, arguments, deadline)
            position = answer.get("LastEvaluatedKey")
            yield Page(_entities(answer["Items"]), position)
            if position is None:
                return
            start = {"ExclusiveStartKey": position}

    def _call(self, call: Any, arguments: Mapping[str, Any], deadline: Deadline) -> Any:
        waits = pauses(self._randomness)
        while True:
            try:
                return call(TableName=self._table, ConsistentRead=True, **arguments)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code", "") not in THROTTLES:
                    raise
            deadline.sleep(next(waits), "read the table")


def _entities(items: list[Mapping[str, Any]]) -> dict[EntityKey, Item]:
    found: dict[EntityKey, Item] = {}
    for item in items:
        key = _own_key(item)
        if key is not None:
            found[key] = decode_item(item)
    return found


def _own_key(item: Mapping[str, Any]) -> EntityKey | None:
    try:
        return parse_key(item["PK"]["S"], item["SK"]["S"])
    except MalformedKeyError:  # The stream processor parks such a change. It has no record.
        return None
