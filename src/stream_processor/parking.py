"""The stream's dead-letter queue, for records that can never be processed (I7)."""

import json
from typing import TYPE_CHECKING, Any, Final, Protocol

from receipt_sync.sqs_text import MESSAGE_LIMIT, attribute
from stream_processor.detection import StreamRecord

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_ROOM: Final = MESSAGE_LIMIT - 16_384  # less three attributes of a thousand characters each
_PART: Final = 20_000  # characters; a legal key has 3,072 bytes, six characters each at most
_IMAGES: Final = frozenset({"OldImage", "NewImage"})


class Parking(Protocol):
    """Where malformed stream records are kept."""

    def park(self, record: StreamRecord, reason: str) -> None:
        """Keep the record with the reason. Raises if it could not be stored."""
        ...


class SQSParking:
    """Parking in SQS: the record as JSON; `reason` and `stream_record_id` as attributes."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client, self._queue_url = client, queue_url

    def park(self, record: StreamRecord, reason: str) -> None:
        event_id = _member(record, "eventID")
        self._client.send_message(
            QueueUrl=self._queue_url,
            MessageBody=parked_body(record),
            MessageAttributes={
                "source": attribute("dynamodb_stream"),
                "reason": attribute(reason),
                "stream_record_id": attribute(event_id if isinstance(event_id, str) else ""),
            },
        )


def parked_body(record: StreamRecord) -> str:
    """The record as JSON that an SQS message can hold, whatever the record is; never raises.

    Too large, it goes without its images, for its keys tell where to look. Still too large, or not
    to be written as JSON, it goes as what identifies it.
    """
    for content in (record, _without_images(record)):
        body = _json(content)
        if body is not None and len(body) <= _ROOM:
            return body
    return json.dumps(_identity(record))


def _json(value: object) -> str | None:
    """In ASCII, so that a character is a byte; None for what JSON can't say."""
    try:
        return json.dumps(value, default=_type, skipkeys=True, allow_nan=False)
    except (ValueError, RecursionError):  # not a number, or nested too deeply
        return None


def _without_images(record: StreamRecord) -> object:
    data = _member(record, "dynamodb")
    if not isinstance(record, dict) or not isinstance(data, dict):
        return record
    kept = {name: value for name, value in data.items() if name not in _IMAGES}
    return {**record, "dynamodb": kept, "omitted": "images"}


def _identity(record: StreamRecord) -> dict[str, Any]:
    data = _member(record, "dynamodb")
    keys = _member(data, "Keys")
    return {
        "eventID": _part(_member(record, "eventID")),
        "eventName": _part(_member(record, "eventName")),
        "dynamodb": {
            "Keys": {name: _part(_member(keys, name)) for name in ("PK", "SK")},
            "SequenceNumber": _part(_member(data, "SequenceNumber")),
        },
        "omitted": f"all else of a {type(record).__name__}",
    }


def _part(value: object) -> Any:
    """The value if it is short; else the beginning of its JSON, as a text."""
    body = _json(value)
    if body is None:
        return _type(value)
    return json.loads(body) if len(body) <= _PART else body[:_PART]


def _member(holder: object, name: str) -> object:
    return holder.get(name) if isinstance(holder, dict) else None


def _type(value: object) -> str:
    return f"(a {type(value).__name__})"
