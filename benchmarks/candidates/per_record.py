"""The naive stream processor: one message for each record, ten in a call.

It keeps its client between invocations, in its favour.
"""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from boto3.dynamodb.types import TypeDeserializer

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_ENTRIES_A_CALL: Final = 10
_MERCHANT: Final = (
    "canonical_merchant_name",
    "merchant_name",
    "merchant_category",
    "address",
    "phone_number",
    "place_id",
)
_OWN: Final = ("text", "confidence", "bounding_box", "embedding_status", "is_noise")
_deserialize = TypeDeserializer().deserialize


class PerRecordProcessor:
    """Handles stream events and sends one message for each relevant record."""

    def __init__(self, sqs: "SQSClient", queue_url: str) -> None:
        self._sqs, self._queue_url = sqs, queue_url

    def handle(self, event: dict[str, Any]) -> int:
        """Handle an event. Return the number of messages that were sent."""
        messages = [m for record in event["Records"] if (m := _message(record)) is not None]
        for start in range(0, len(messages), _ENTRIES_A_CALL):
            some = messages[start : start + _ENTRIES_A_CALL]
            entries: Any = [_entry(number, message) for number, message in enumerate(some)]
            self._sqs.send_message_batch(QueueUrl=self._queue_url, Entries=entries)
        return len(messages)


def _message(record: dict[str, Any]) -> dict[str, Any] | None:
    keys = record["dynamodb"]["Keys"]
    entity = _entity(keys["PK"]["S"], keys["SK"]["S"])
    if entity is None:
        return None
    old = record["dynamodb"].get("OldImage", {})
    new = record["dynamodb"].get("NewImage", {})
    changes = _changes(_MERCHANT if "line_id" not in entity else _OWN, old, new)
    if not changes:
        return None
    return {
        "source": "dynamodb_stream",
        "entity_type": entity["entity_type"],
        "entity_data": entity,
        "changes": changes,
        "event_name": record["eventName"],
        "timestamp": datetime.now(UTC).isoformat(),
        "stream_record_id": record["eventID"],
        "aws_region": record["awsRegion"],
    }


def _entity(pk: str, sk: str) -> dict[str, Any] | None:
    parts = sk.split("#")
    if not pk.startswith("IMAGE#") or parts[0] != "RECEIPT":
        return None
    entity: dict[str, Any] = {"image_id": pk.split("#")[1], "receipt_id": int(parts[1])}
    if parts[2:] == ["METADATA"]:
        return {"entity_type": "RECEIPT_METADATA", **entity}
    entity["line_id"] = int(parts[3])
    if len(parts) == 4:
        return {"entity_type": "RECEIPT_LINE", **entity}
    return {"entity_type": "RECEIPT_WORD", **entity, "word_id": int(parts[5])}


def _changes(fields: tuple[str, ...], old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for field in fields:
        before = _deserialize(old[field]) if field in old else None
        after = _deserialize(new[field]) if field in new else None
        if before != after:
            changes[field] = {"old": before, "new": after}
    return changes


def _entry(number: int, message: dict[str, Any]) -> dict[str, Any]:
    attributes = {name: message[name] for name in ("source", "entity_type", "timestamp")}
    return {
        "Id": str(number),
        "MessageBody": json.dumps(message, default=str),
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
    }
