"""The stream's dead-letter queue, for records that can never be processed (I7)."""

import json
import re
from typing import TYPE_CHECKING, Any, Final, Protocol

from stream_processor.detection import StreamRecord
from stream_processor.packing import MARGIN, SQS_LIMIT

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_REASON_LIMIT: Final = 1_000
_NOT_ALLOWED: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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
        attributes: Any = {
            "source": _text("dynamodb_stream"),
            "reason": _text(reason[:_REASON_LIMIT]),
            "stream_record_id": _text(str(record.get("eventID", ""))),
        }
        self._client.send_message(
            QueueUrl=self._queue_url, MessageBody=_body(record), MessageAttributes=attributes
        )


def _body(record: StreamRecord) -> str:
    """The record; without its images where they don't fit, for its keys tell where to look."""
    body = json.dumps(record, default=str)  # ASCII, so that a character is a byte
    if len(body) <= SQS_LIMIT - MARGIN:
        return body
    data = record.get("dynamodb") or {}
    kept = {n: v for n, v in data.items() if n not in {"OldImage", "NewImage"}}
    body = json.dumps({**record, "dynamodb": kept, "images": "omitted"}, default=str)
    return body[: SQS_LIMIT - MARGIN]


def _text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": _NOT_ALLOWED.sub("\ufffd", value) or "-"}
