# ruff: noqa: N803 boto3's own argument names
"""A DynamoDB table with its stream: consistent and stale reads, conditional writes, throttles."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple, Protocol

from tests.reliability.simulation.environment.aws_errors import refused, unreachable
from tests.reliability.simulation.environment.gate import Gate
from tests.reliability.simulation.faults.faults import UNANSWERED, Kind, Side

Attributes = Mapping[str, Any]
Key = tuple[str, str]


class StreamRecord(NamedTuple):
    """A change in the table. `tick` orders all changes."""

    tick: int
    key: Key
    old: Attributes | None
    new: Attributes | None
    at: float


class Table:
    """Items as DynamoDB attribute values.

    It calls `on_change` for every write that changes an item.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.items: dict[Key, Attributes] = {}
        self._past: dict[Key, list[tuple[float, Attributes | None]]]
        self._past = defaultdict(lambda: [(-1.0, None)])
        self.tick = 0
        self.on_change: Callable[[Key, Attributes | None, Attributes | None], None] = _ignored

    def write(self, key: Key, item: Attributes | None) -> None:
        """Put an item, or delete it if `item` is None. An identical put leaves no stream record."""
        old = self.items.get(key)
        if old == item:
            return
        if item is None:
            del self.items[key]
        else:
            self.items[key] = item
        self._past[key].append((self._now(), item))
        self.tick += 1
        self.on_change(key, old, item)

    def item_at(self, key: Key, at: float) -> Attributes | None:
        """Return the item as it was at a moment."""
        past = self._past[key]
        return past[bisect_right(past, at, key=lambda state: state[0]) - 1][1]

    def keys_ever(self) -> list[Key]:
        """Return the keys of all items that are or were in the table."""
        return list(self._past)


class ConditionalCheckFailedException(Exception):  # noqa: N818
    """The error of boto3 with the same name. It holds the item that failed the condition."""

    def __init__(self, item: Attributes | None) -> None:
        super().__init__("the condition does not hold")
        self.response = {"Item": item} if item is not None else {}


class _Exceptions:
    ConditionalCheckFailedException = ConditionalCheckFailedException


class LockWatcher(Protocol):
    """Observes every write of a lease item."""

    def begins(self, step: str, key: Key) -> None: ...

    def written(
        self, step: str, key: Key, old: Attributes | None, new: Attributes | None
    ) -> None: ...


class DynamoDBClient:
    """Implements the calls of boto3's DynamoDB client that the project uses."""

    exceptions = _Exceptions
    # Responses are already plain, so a handler need not be registered.
    meta = SimpleNamespace(events=SimpleNamespace(register=lambda *_: None))

    def __init__(
        self, table: Table, gate: Gate, page: int, watcher: LockWatcher, lag: Callable[[], float]
    ) -> None:
        """Make a client.

        `lag` returns how many seconds old the next read that is not consistent is.
        """
        self._table, self._gate, self._page, self._watcher = table, gate, page, watcher
        self._lag = lag

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:
        ((name, request),) = RequestItems.items()
        # The order of a set must not influence the history.
        keys = sorted(request["Keys"], key=lambda k: (k["PK"]["S"], k["SK"]["S"]))

        def effect(special: Kind | None) -> dict[str, Any]:
            read = keys[: len(keys) // 2] if special is Kind.PARTIAL else keys
            held = self._held(request)
            found = (held((k["PK"]["S"], k["SK"]["S"])) for k in read)
            unread = keys[len(read) :]
            return {
                "Responses": {name: [_projected(i, request) for i in found if i is not None]},
                "UnprocessedKeys": {name: {"Keys": unread}} if unread else {},
            }

        return self._call("table.get", effect, "BatchGetItem", Kind.PARTIAL)

    def query(self, **request: Any) -> dict[str, Any]:
        values = request["ExpressionAttributeValues"]
        pk, prefix = values[":pk"]["S"], values[":sk"]["S"]
        return self._pages("table.query", request, lambda k: k[0] == pk and k[1].startswith(prefix))

    def scan(self, **request: Any) -> dict[str, Any]:
        return self._pages("table.scan", request, lambda _: True)

    def put_item(self, TableName: str, Item: Attributes, **condition: Any) -> dict[str, Any]:
        key = (Item["PK"]["S"], Item["SK"]["S"])
        return self._write("lock.acquire", key, lambda _: Item, condition)

    def update_item(
        self, TableName: str, Key: Attributes, UpdateExpression: str, **condition: Any
    ) -> dict[str, Any]:
        key = (Key["PK"]["S"], Key["SK"]["S"])
        names, values = (
            condition["ExpressionAttributeNames"],
            condition["ExpressionAttributeValues"],
        )
        pairs = [pair.split(" = ") for pair in UpdateExpression.removeprefix("SET ").split(", ")]
        update = {names[name]: values[value] for name, value in pairs}
        return self._write("lock.extend", key, lambda old: {**(old or Key), **update}, condition)

    def delete_item(self, TableName: str, Key: Attributes, **condition: Any) -> dict[str, Any]:
        key = (Key["PK"]["S"], Key["SK"]["S"])
        return self._write("lock.release", key, lambda _: None, condition)

    def _write(
        self,
        step: str,
        key: Key,
        change: Callable[[Attributes | None], Attributes | None],
        condition: dict[str, Any],
    ) -> dict[str, Any]:
        def effect(_: Kind | None) -> dict[str, Any]:
            old = self._table.items.get(key)
            if not _holds(old or {}, condition):
                raise ConditionalCheckFailedException(old)
            new = change(old)
            if old is not None or new is not None:
                self._table.write(key, new)
                self._watcher.written(step, key, old, new)
            return {}

        self._watcher.begins(step, key)
        return self._call(step, effect, step, *UNANSWERED)

    def _held(self, request: Mapping[str, Any]) -> Callable[[Key], Attributes | None]:
        """Return a function that reads the current item, or an earlier state if not consistent."""
        if request.get("ConsistentRead"):
            return self._table.items.get
        at = self._gate.scheduler.now - self._lag()
        return lambda key: self._table.item_at(key, at)

    def _pages(
        self, step: str, request: dict[str, Any], wanted: Callable[[Key], bool]
    ) -> dict[str, Any]:
        def effect(_: Kind | None) -> dict[str, Any]:
            start = request.get("ExclusiveStartKey")
            after = (start["PK"]["S"], start["SK"]["S"]) if start else ("", "")
            held = self._held(request)
            keys = sorted(k for k in self._table.keys_ever() if wanted(k) and k > after and held(k))
            page = keys[: self._page]
            answer: dict[str, Any] = {
                "Items": [_projected(held(key) or {}, request) for key in page]
            }
            if len(keys) > len(page):
                pk, sk = page[-1]
                answer["LastEvaluatedKey"] = {"PK": {"S": pk}, "SK": {"S": sk}}
            return answer

        return self._call(step, effect, step)

    def _call(
        self,
        step: str,
        effect: Callable[[Kind | None], dict[str, Any]],
        operation: str,
        *specials: Kind,
    ) -> dict[str, Any]:
        def error(side: Side) -> Exception:
            if side is Side.AFTER:
                return unreachable()
            return refused(operation, 400, "ProvisionedThroughputExceededException")

        return self._gate.call(step, effect, error, *specials)


def _projected(item: Attributes, request: Mapping[str, Any]) -> Attributes:
    names = request["ExpressionAttributeNames"]
    wanted = (names.get(name, name) for name in request["ProjectionExpression"].split(", "))
    return {name: item[name] for name in wanted if name in item}


def _holds(item: Attributes, condition: Mapping[str, Any]) -> bool:
    """Return whether a ConditionExpression holds.

    It supports the forms that the project uses: OR, attribute_not_exists, = and <.
    """
    terms = condition["ConditionExpression"].split(" OR ")
    return any(_term(item, term.strip(), condition) for term in terms)


def _term(item: Attributes, term: str, condition: Mapping[str, Any]) -> bool:
    if term.startswith("attribute_not_exists("):
        return term[len("attribute_not_exists(") : -1] not in item
    name, operator, value = term.split(" ")
    name = condition.get("ExpressionAttributeNames", {}).get(name, name)
    wanted = condition["ExpressionAttributeValues"][value]
    held = item.get(name)
    if held is None:
        return False
    if operator == "=":
        return bool(held == wanted)
    if operator == "<":
        return int(held["N"]) < int(wanted["N"])
    raise NotImplementedError(f"the simulated table does not know {operator!r}")


def _ignored(*_: Any) -> None:
    pass
