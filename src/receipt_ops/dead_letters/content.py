"""The content of a dead letter: a compaction message, a stream record, or a part of the stream."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from receipt_sync.errors import MalformedKeyError, PoisonMessageError
from receipt_sync.keys import EntityKey, parse_key
from receipt_sync.messages import ReadMessage, read_message
from stream_processor.detection import sequence_of

BATCH_INFO = "DDBStreamBatchInfo"


class FailureRecord(NamedTuple):
    """A part of the stream that Lambda gave up, as Lambda describes it in the failure destination.

    https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
    """

    stream_arn: str
    shard_id: str
    start: str
    """The sequence number of the first record."""
    end: str
    """The sequence number of the last record."""
    size: int
    arrived_from: str
    arrived_to: str
    condition: str


@dataclass(frozen=True)
class StreamRecordContent:
    """Holds a parked stream record. `key` is None if its key does not belong to a receipt."""

    pk: str
    sk: str
    key: EntityKey | None
    fault: str | None
    sequence: int | None = None
    """The sequence number; None if the record has none."""


Content = ReadMessage | StreamRecordContent | FailureRecord | PoisonMessageError


def content_of(body: str) -> Content:
    """Return the content of a dead letter, or the error that says why it cannot be applied."""
    document = _object(body)
    if document is not None and BATCH_INFO in document:
        found = _failure(document)
        if found is not None:
            return found
    if document is not None and "dynamodb" in document:
        return replace(_stream_record(document["dynamodb"]), sequence=sequence_of(document))
    try:
        return read_message(body)
    except PoisonMessageError as error:
        return error


def _object(body: str) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _failure(document: Mapping[str, Any]) -> FailureRecord | None:
    info, context = document[BATCH_INFO], document.get("requestContext")
    if not isinstance(info, dict):
        return None
    condition = context.get("condition", "") if isinstance(context, dict) else ""
    try:
        return FailureRecord(
            stream_arn=str(info["streamArn"]),
            shard_id=str(info["shardId"]),
            start=_sequence(info["startSequenceNumber"]),
            end=_sequence(info["endSequenceNumber"]),
            size=int(info["batchSize"]),
            arrived_from=str(info.get("approximateArrivalOfFirstRecord", "")),
            arrived_to=str(info.get("approximateArrivalOfLastRecord", "")),
            condition=str(condition),
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _sequence(value: object) -> str:
    """Return a sequence number unchanged, because leading zeros are valid. Raises ValueError."""
    text = str(value)
    int(text)
    return text


def _stream_record(data: object) -> StreamRecordContent:
    keys = data.get("Keys") if isinstance(data, dict) else None
    pk, sk = _text(keys, "PK"), _text(keys, "SK")
    try:
        key = parse_key(pk, sk)
    except MalformedKeyError as error:
        return StreamRecordContent(pk, sk, None, str(error))
    return StreamRecordContent(pk, sk, key, None if key else "its key does not belong to a receipt")


def _text(keys: object, name: str) -> str:
    attribute = keys.get(name) if isinstance(keys, dict) else None
    value = attribute.get("S") if isinstance(attribute, dict) else None
    return value if isinstance(value, str) else ""
