"""Follow the fields of the command line from a stream record to Chroma and to `verify`.

Run it with a table of fields that has more entries than the project's. It prints JSON: the fields
of the change messages, the metadata of the record, and what `verify` says of a damaged record.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

from compactor.cycle.dynamodb_source import DynamoDBSource
from receipt_ops.verification.comparison import compare
from receipt_sync.keys import EntityKey, EntityType
from stream_processor.processor import StreamProcessor
from tests.support.fakes.system import InMemorySystem
from tests.support.fakes.telemetry import RecordingTelemetry
from tests.unit.stream_processor.fakes import InMemoryChangePublisher, InMemoryParking
from tests.unit.stream_processor.records import LINE, METADATA, record

Attributes = dict[str, Any]


class ProjectingClient:
    """Answers reads with the attributes that each request names, as DynamoDB does."""

    def __init__(self, items: Mapping[EntityKey, Attributes]) -> None:
        self._items = {
            (key.pk, key.sk): {"PK": {"S": key.pk}, "SK": {"S": key.sk}, **item}
            for key, item in items.items()
        }

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        [(table, request)] = RequestItems.items()
        keys = [(key["PK"]["S"], key["SK"]["S"]) for key in request["Keys"]]
        found = [self._items[key] for key in keys if key in self._items]
        return {"Responses": {table: [_projected(item, request) for item in found]}}

    def query(self, **request: Any) -> dict[str, Any]:
        prefix = request["ExpressionAttributeValues"][":sk"]["S"]
        found = [item for (_, sk), item in sorted(self._items.items()) if sk.startswith(prefix)]
        return {"Items": [_projected(item, request) for item in found]}


def _projected(item: Attributes, request: Mapping[str, Any]) -> Attributes:
    names = [
        request["ExpressionAttributeNames"][placeholder]
        for placeholder in request["ProjectionExpression"].split(", ")
    ]
    return {name: item[name] for name in names if name in item}


def follow(own: str, merchant: str) -> dict[str, Any]:
    """Return what becomes of a change of a line's field `own` and a merchant's field `merchant`."""
    line = {"text": {"S": "MILK"}, own: {"S": "new"}}
    receipt = {merchant: {"S": "new"}}
    client: Any = ProjectingClient({LINE: line, METADATA: receipt})
    system = InMemorySystem()
    source = DynamoDBSource(client, "table", Random(1), system.telemetry)
    system.table = source  # type: ignore[assignment]
    worker = system.worker()
    assert not system.handle(worker, system.delta_body([LINE], texts=["MILK"])).returned
    publisher = InMemoryChangePublisher()
    processor = StreamProcessor(
        publisher, InMemoryParking(), frozenset(EntityType), RecordingTelemetry()
    )
    processor.process(
        [
            record(LINE, old={**line, own: {"S": "old"}}, new=line, sequence=1),
            record(METADATA, old={merchant: {"S": "old"}}, new=receipt, sequence=2),
        ],
        system.deadline(),
    )
    _forget(system, {own, merchant})
    bodies = [message.body for message in publisher.sent]
    assert not system.handle(worker, *bodies).returned
    stored = system.index().get([LINE.chroma_id])[LINE.chroma_id]
    items = source.get([LINE, METADATA], system.deadline())
    damaged = replace(stored, metadata={**stored.metadata, own: "wrong", merchant: "wrong"})
    return {
        "changes": [
            sorted(change["changes"])
            for body in bodies
            for change in json.loads(body).get("items", [json.loads(body)])
        ],
        "metadata": {name: stored.metadata.get(name) for name in (own, merchant)},
        "sound": compare(LINE, items, stored).finding.name,
        "damaged": sorted(compare(LINE, items, damaged).fields),
    }


def _forget(system: InMemorySystem, fields: set[str]) -> None:
    """Remove fields from the record, so that only the changes can bring them back."""
    record = system.index().records[LINE.chroma_id]
    kept = {name: value for name, value in record.metadata.items() if name not in fields}
    system.index().records[LINE.chroma_id] = replace(record, metadata=kept)


if __name__ == "__main__":
    print(json.dumps(follow(*sys.argv[1:])))
