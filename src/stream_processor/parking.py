"""The dead-letter queue of the stream, for records that can never be processed (I7)."""

import json
from typing import Any, Final, Protocol

from receipt_sync.sqs_text import MESSAGE_LIMIT
from stream_processor.detection import StreamRecord

_ROOM: Final = MESSAGE_LIMIT - 16_384  # Less three attributes of 1,000 characters each.
_PART: Final = 20_000  # Characters. JSON writes the 3,072 bytes of a valid key in at most 18,432.
_IMAGES: Final = frozenset({"OldImage", "NewImage"})


class Parking(Protocol):
    """Stores malformed stream records."""

    def park(self, record: StreamRecord, reason: str) -> None:
        """Store the record with the reason. Raises QueueSendError if the record was not stored."""
        ...


def parked_body(record: StreamRecord) -> str:
    """Return any record as JSON that fits into an SQS message. Never raises an error.

    A record that is too large goes without its images, because its keys identify the item. A record
    that is still too large, or that JSON cannot hold, is reduced to its identifying fields.
    """
    for content in (record, _without_images(record)):
        body = _json(content)
        if body is not None and len(body) <= _ROOM:
            return body
    return json.dumps(_identity(record))


def _json(value: object) -> str | None:
    """Return a value as JSON, or None if JSON cannot hold it.

    The JSON is ASCII, so that each character is one byte.
    """
    try:
        return json.dumps(value, default=_type, skipkeys=True, allow_nan=False)
    except (ValueError, RecursionError):  # NaN, infinity or too deeply nested.
        return None


def _without_images(record: StreamRecord) -> object:
    data = member(record, "dynamodb")
    if not isinstance(record, dict) or not isinstance(data, dict):
        return record
    kept = {name: value for name, value in data.items() if name not in _IMAGES}
    return {**record, "dynamodb": kept, "omitted": "images"}


def _identity(record: StreamRecord) -> dict[str, Any]:
    data = member(record, "dynamodb")
    keys = member(data, "Keys")
    return {
        "eventID": _part(member(record, "eventID")),
        "eventName": _part(member(record, "eventName")),
        "dynamodb": {
            "Keys": {name: _part(member(keys, name)) for name in ("PK", "SK")},
            "SequenceNumber": _part(member(data, "SequenceNumber")),
        },
        "omitted": f"all else of a {type(record).__name__}",
    }


def _part(value: object) -> Any:
    """Return a short value unchanged, and of a long one the beginning of its JSON as text."""
    body = _json(value)
    if body is None:
        return _type(value)
    return json.loads(body) if len(body) <= _PART else body[:_PART]


def member(holder: object, name: str) -> object:
    """Return a member of a map; None for anything else."""
    return holder.get(name) if isinstance(holder, dict) else None


def _type(value: object) -> str:
    return f"(a {type(value).__name__})"
