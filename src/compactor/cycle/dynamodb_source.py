"""Read the present state of entities from DynamoDB.

Absence is reported only after a read that succeeded completely (I5). Unprocessed keys are requested
again until none is left. A read that stays incomplete after a throttle, an error or a partial page
raises TableReadError.
"""

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from compactor.cycle.projection import Item
from compactor.cycle.source import Members
from receipt_sync.attributes import decode_item
from receipt_sync.deadline import Deadline
from receipt_sync.errors import DeadlineNearError, MalformedKeyError, TableReadError
from receipt_sync.fields import RELEVANT_FIELDS
from receipt_sync.keys import Collection as EntityCollection
from receipt_sync.keys import EntityKey, EntityType, ReceiptKey, parse_key
from receipt_sync.parallel import in_parallel
from receipt_sync.retries.backoff import pauses
from receipt_sync.sequences import batches
from receipt_sync.telemetry import Metric, Telemetry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_GET_LIMIT: Final = 100  # keys of one BatchGetItem
_THROTTLES: Final = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "InternalServerError",
        "ServiceUnavailable",
    }
)


def _reading(*fields: str) -> dict[str, Any]:
    """Return the arguments of a request that reads these fields and the key."""
    names = {f"#f{number}": name for number, name in enumerate(("PK", "SK", *fields))}
    return {
        "ProjectionExpression": ", ".join(names),
        "ExpressionAttributeNames": names,
        "ConsistentRead": True,
    }


@cache
def _reading_of(entity_types: frozenset[EntityType]) -> Mapping[str, Any]:
    """Return the arguments of a request that reads these entities. Fewer fields are faster."""
    names = (name for kind in EntityType if kind in entity_types for name in RELEVANT_FIELDS[kind])
    return _reading(*dict.fromkeys(names))


_EVERY_FIELD: Final = _reading_of(frozenset(EntityType))
_NO_FIELD: Final = _reading()
_KEY: Final = frozenset({"PK", "SK"})


class DynamoDBSource:
    """A TableSource on DynamoDB: a hundred keys in a request, several requests at a time."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table_name: str,
        randomness: Random,
        telemetry: Telemetry,
    ) -> None:
        self._client, self._table = client, table_name
        self._randomness, self._telemetry = randomness, telemetry

    def get(self, keys: Collection[EntityKey], deadline: Deadline) -> dict[EntityKey, Item | None]:
        """See `TableSource.get`."""
        found: dict[EntityKey, Item | None] = dict.fromkeys(keys)
        groups = batches(list(found), _GET_LIMIT)
        for items in in_parallel(lambda group: self._get_group(group, deadline), list(groups)):
            found |= items
        return found

    def members(
        self, receipts: Collection[ReceiptKey], deadline: Deadline
    ) -> dict[EntityKey, Item | None]:
        """See `TableSource.members`."""
        found: dict[EntityKey, Item | None] = {}
        for items in in_parallel(lambda one: self._query(one, deadline), list(receipts)):
            found |= items
        return found

    def scan(self, deadline: Deadline) -> Iterator[tuple[EntityKey, Item]]:
        """Yield every entity of the table. Items with other keys or malformed keys are skipped."""
        start: dict[str, Any] = {}
        while True:
            page = self._call(self._client.scan, deadline, **_EVERY_FIELD, **start)
            yield from self._entities(page["Items"]).items()
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def _get_group(self, keys: Collection[EntityKey], deadline: Deadline) -> dict[EntityKey, Item]:
        found: dict[EntityKey, Item] = {}
        wanted = {(key.pk, key.sk): key for key in keys}
        pending: Any = [{"PK": {"S": pk}, "SK": {"S": sk}} for pk, sk in wanted]
        reading = _reading_of(frozenset(key.entity_type for key in keys))
        waits = pauses(self._randomness)
        while True:
            request = {self._table: {"Keys": pending, **reading}}
            answer = self._call(self._client.batch_get_item, deadline, RequestItems=request)
            found |= self._wanted(answer["Responses"].get(self._table, []), wanted)
            pending = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
            if not pending:
                return found
            self._pause(next(waits), deadline, "unprocessed keys")

    def member_keys(
        self,
        receipt: ReceiptKey,
        collection: EntityCollection,
        after: EntityKey | None,
        most: int,
        deadline: Deadline,
    ) -> Members:
        """See `TableSource.member_keys`."""
        keys: list[EntityKey] = []
        for page in self._pages(receipt, _NO_FIELD, after, deadline):
            keys += [key for key in page if key.collection is collection]
            if len(keys) > most:
                return Members(keys[:most], whole=False)
        return Members(keys, whole=True)

    def _query(self, receipt: ReceiptKey, deadline: Deadline) -> dict[EntityKey, Item]:
        found: dict[EntityKey, Item] = {}
        for page in self._pages(receipt, _EVERY_FIELD, None, deadline):
            found |= page
        return found

    def _pages(
        self,
        receipt: ReceiptKey,
        reading: Mapping[str, Any],
        after: EntityKey | None,
        deadline: Deadline,
    ) -> Iterator[dict[EntityKey, Item]]:
        """Yield a receipt's entities page by page, in the order of their keys."""
        names = {**reading["ExpressionAttributeNames"], "#pk": "PK", "#sk": "SK"}
        request = {
            **reading,
            "ExpressionAttributeNames": names,
            "KeyConditionExpression": "#pk = :pk AND begins_with(#sk, :sk)",
            "ExpressionAttributeValues": {
                ":pk": {"S": receipt.pk},
                ":sk": {"S": receipt.sk_prefix},
            },
        }
        start = {} if after is None else _starting(after)
        while True:
            page = self._call(self._client.query, deadline, **request, **start)
            yield self._entities(page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def _call(self, call: Any, deadline: Deadline, **arguments: Any) -> Any:
        """Make one request. Throttles are tried again until the deadline."""
        if "RequestItems" not in arguments:
            arguments["TableName"] = self._table
        waits = pauses(self._randomness)
        while True:
            self._telemetry.measure(Metric.TABLE_REQUESTS, 1)
            try:
                return call(**arguments)
            except ClientError as error:
                code = error.response.get("Error", {}).get("Code", "")
                if code not in _THROTTLES:
                    raise TableReadError(f"the table {self._table} answered {code}") from error
                self._pause(next(waits), deadline, code)
            except BotoCoreError as error:
                raise TableReadError(
                    f"the table {self._table} can't be reached: {type(error).__name__}"
                ) from error

    def _pause(self, seconds: float, deadline: Deadline, why: str) -> None:
        try:
            deadline.sleep(seconds, "read the table")
        except DeadlineNearError as error:
            raise TableReadError(
                f"the table {self._table} was not read completely in time ({why})"
            ) from error

    def _wanted(
        self,
        items: Collection[Mapping[str, Any]],
        wanted: Mapping[tuple[str, str], EntityKey],
    ) -> dict[EntityKey, Item]:
        """Return the fields of the items of a request for `wanted`, whose keys need no parsing."""
        self._telemetry.measure(Metric.TABLE_ITEMS_READ, len(items))
        found: dict[EntityKey, Item] = {}
        for item in items:
            key = wanted.get((item["PK"]["S"], item["SK"]["S"]))
            if key is not None:
                found[key] = decode_item({name: item[name] for name in item if name not in _KEY})
        return found

    def _entities(self, items: Collection[Mapping[str, Any]]) -> dict[EntityKey, Item]:
        self._telemetry.measure(Metric.TABLE_ITEMS_READ, len(items))
        found: dict[EntityKey, Item] = {}
        for item in items:
            key = _own_key(item)
            if key is not None:
                found[key] = decode_item(item)
        return found


def _starting(after: EntityKey) -> dict[str, Any]:
    """Return the arguments to continue after a key, whether or not its item still exists."""
    return {"ExclusiveStartKey": {"PK": {"S": after.pk}, "SK": {"S": after.sk}}}


def _own_key(item: Mapping[str, Any]) -> EntityKey | None:
    """Return the entity of an item; None for an item that is not mirrored.

    A malformed key is parked when its change arrives. Here its item is not part of any record.
    """
    try:
        return parse_key(item["PK"]["S"], item["SK"]["S"])
    except MalformedKeyError:
        return None
