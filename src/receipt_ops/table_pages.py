"""Reads of the table page by page: from a position on, in part, or only the keys."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Final, Self

from botocore.exceptions import ClientError

from compactor.cycle.projection import Item
from receipt_sync.attributes import decode_item
from receipt_sync.deadline import Deadline
from receipt_sync.errors import MalformedKeyError
from receipt_sync.keys import EntityKey, parse_key
from receipt_sync.retries.backoff import pauses

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Position = Mapping[str, Any]
"""A LastEvaluatedKey, from which the next page begins."""

_KEYS: Final = {"ProjectionExpression": "PK, SK"}
THROTTLES: Final = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
    }
)


@dataclass(frozen=True)
class PageRequest:
    """Describes one Scan or Query."""

    operation: str
    arguments: Mapping[str, Any]

    @classmethod
    def of_segment(cls, segment: int, segments: int) -> Self:
        """Return a request for one segment of a parallel scan."""
        return cls("scan", {"Segment": segment, "TotalSegments": segments})

    @classmethod
    def of_keys(cls, start: Position | None, limit: int) -> Self:
        """Return a request for the table's keys from `start` on, with at most `limit` in a page."""
        begin = {"ExclusiveStartKey": start} if start else {}
        return cls("scan", {**_KEYS, "Limit": limit, **begin})

    @classmethod
    def of_partition(cls, pk: str, sk_prefix: str) -> Self:
        """Return a request for the items of a partition key whose sort keys have a prefix."""
        values = {":pk": {"S": pk}, ":sk": {"S": sk_prefix}}
        condition = "PK = :pk AND begins_with(SK, :sk)"
        return cls(
            "query", {"KeyConditionExpression": condition, "ExpressionAttributeValues": values}
        )


@dataclass(frozen=True)
class Page:
    """Holds the decoded entities of receipts in a page, and the position of the next page."""

    entities: dict[EntityKey, Item]
    next: Position | None


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
