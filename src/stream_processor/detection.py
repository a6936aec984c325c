"""One stream record → the change of one of our entities, or nothing.

Record layout: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from receipt_sync.changes import EventName, FieldChange, detect_changes, every_field
from receipt_sync.errors import MalformedRecordError
from receipt_sync.keys import EntityKey, parse_key

StreamRecord = Mapping[str, Any]

_EVENTS: Final[dict[str, EventName]] = {"INSERT": "INSERT", "MODIFY": "MODIFY", "REMOVE": "REMOVE"}


@dataclass(frozen=True, slots=True)
class EntityChange:
    """What a record says of one entity. `first_sequence` is the lowest one that it stands for."""

    key: EntityKey
    event_name: EventName
    changes: Mapping[str, FieldChange]
    timestamp: datetime
    stream_record_id: str
    sequence_number: str
    aws_region: str
    first_sequence: int


def detect(record: StreamRecord) -> EntityChange | None:
    """The change in a record; None if its key is someone else's or nothing relevant differs.

    Raises MalformedRecordError, MalformedKeyError or MalformedValueError for what can never be
    processed.
    """
    try:
        event_name = _EVENTS[record["eventName"]]
        data = record["dynamodb"]
        pk, sk = data["Keys"]["PK"]["S"], data["Keys"]["SK"]["S"]
        sequence_number = str(data["SequenceNumber"])
        first_sequence = int(sequence_number)
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedRecordError(
            f"the stream record lacks what every record has ({type(error).__name__}: {error}): "
            "eventName, dynamodb.Keys.PK.S, .SK.S, .SequenceNumber"
        ) from error
    key = parse_key(pk, sk)
    if key is None:
        return None
    changes = _changes(key, event_name, data)
    if not changes and event_name == "MODIFY":
        return None
    return EntityChange(
        key=key,
        event_name=event_name,
        changes=changes,
        timestamp=_timestamp(data.get("ApproximateCreationDateTime")),
        stream_record_id=str(record.get("eventID", "")),
        sequence_number=sequence_number,
        aws_region=str(record.get("awsRegion", "")),
        first_sequence=first_sequence,
    )


def sequence_of(record: StreamRecord) -> int | None:
    """A record's sequence number; None if it has none."""
    try:
        return int(record["dynamodb"]["SequenceNumber"])
    except (KeyError, TypeError, ValueError):
        return None


def _changes(key: EntityKey, event_name: EventName, data: Mapping[str, Any]) -> Any:
    old, new = data.get("OldImage"), data.get("NewImage")
    if old is None and new is None and event_name == "MODIFY":
        return every_field(key.entity_type)  # a stream of keys only: anything may have changed
    return detect_changes(key.entity_type, old, new)


def _timestamp(epoch_seconds: Any) -> datetime:
    if isinstance(epoch_seconds, int | float) and not isinstance(epoch_seconds, bool):
        try:
            return datetime.fromtimestamp(epoch_seconds, UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise MalformedRecordError("ApproximateCreationDateTime is no time") from error
    raise MalformedRecordError("the stream record has no ApproximateCreationDateTime in seconds")
