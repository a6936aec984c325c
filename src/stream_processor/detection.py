"""Change detection: reads the change of one entity from one stream record.

Record layout:
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, TypeAlias

from receipt_sync.changes import EventName, FieldChange, detect_changes, every_field
from receipt_sync.errors import MalformedRecordError
from receipt_sync.keys import EntityKey, parse_key

StreamRecord: TypeAlias = object
"""Any value that an event holds in the place of a record."""

_EVENTS: Final[dict[str, EventName]] = {"INSERT": "INSERT", "MODIFY": "MODIFY", "REMOVE": "REMOVE"}
_NUMBERS: Final = (int, float)
_LONGEST_SEQUENCE: Final = 64
_LONGEST_LABEL: Final = 128


class EntityChange(NamedTuple):
    """The change of one entity.

    `first_sequence` is the lowest sequence number of its stream records.
    """

    key: EntityKey
    event_name: EventName
    changes: Mapping[str, FieldChange]
    timestamp: datetime
    stream_record_id: str
    sequence_number: str
    aws_region: str
    first_sequence: int


def detect(record: StreamRecord) -> EntityChange | None:
    """Return the change in a record, or None if the record is irrelevant.

    A record is irrelevant if its key belongs to another user of the table, or if no relevant field
    differs. The key is checked first, so the rest of another user's record may have any shape.
    Raises MalformedRecordError, MalformedKeyError or MalformedValueError if the record can never be
    processed.
    """
    try:
        data = _map_of(record, "dynamodb")
        key = _key(_map_of(data, "Keys"))
        return None if key is None else _change(key, record, data)
    except RecursionError:
        raise MalformedRecordError("the stream record is nested too deeply to be read") from None


def sequence_of(record: StreamRecord) -> int | None:
    """Return the sequence number of a record as a number, or None if it has none."""
    text = sequence_text(record)
    return None if text is None else int(text)


def sequence_text(record: StreamRecord) -> str | None:
    """Return the sequence number of a record as its own text, or None if it has none."""
    data = record.get("dynamodb") if isinstance(record, dict) else None
    text = data.get("SequenceNumber") if isinstance(data, dict) else None
    if isinstance(text, str) and text.isascii() and text.isdigit():
        return text if len(text) <= _LONGEST_SEQUENCE else None
    return None


def _map_of(holder: object, name: str) -> dict[str, Any]:
    part = holder.get(name) if isinstance(holder, dict) else None
    if isinstance(part, dict):
        return part
    raise MalformedRecordError(
        f"the stream record has no map {name}, so its entity is unknown: "
        "a record has dynamodb.Keys.PK.S and dynamodb.Keys.SK.S"
    )


def _key(keys: Mapping[str, Any]) -> EntityKey | None:
    return parse_key(_key_text(keys, "PK"), _key_text(keys, "SK"))


def _key_text(keys: Mapping[str, Any], name: str) -> str:
    attribute = keys.get(name)
    if isinstance(attribute, dict) and len(attribute) == 1:
        text = attribute.get("S")
        if isinstance(text, str):
            return text
    raise MalformedRecordError(
        f"the stream record's key has no {name} of the single type S, so its entity is unknown"
    )


def _change(key: EntityKey, record: Any, data: Mapping[str, Any]) -> EntityChange | None:
    event_name = _event_name(record.get("eventName"))
    changes = _changes(key, event_name, _image(data, "OldImage"), _image(data, "NewImage"))
    if not changes and event_name == "MODIFY":
        return None
    sequence_number = sequence_text(record)
    if sequence_number is None:
        raise MalformedRecordError("the stream record has no SequenceNumber written in digits")
    return EntityChange(
        key=key,
        event_name=event_name,
        changes=changes,
        timestamp=_timestamp(data.get("ApproximateCreationDateTime")),
        stream_record_id=_label(record.get("eventID")),
        sequence_number=sequence_number,
        aws_region=_label(record.get("awsRegion")),
        first_sequence=int(sequence_number),
    )


def _event_name(name: object) -> EventName:
    event_name = _EVENTS.get(name) if isinstance(name, str) else None
    if event_name is None:
        raise MalformedRecordError(f"eventName is none of {', '.join(_EVENTS)}")
    return event_name


def _image(data: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    image = data.get(name)
    if image is None or isinstance(image, dict):
        return image
    raise MalformedRecordError(f"{name} is a {type(image).__name__}, not a map of attributes")


def _changes(
    key: EntityKey,
    event_name: EventName,
    old: dict[str, Any] | None,
    new: dict[str, Any] | None,
) -> Mapping[str, FieldChange]:
    if event_name == "MODIFY" and not (old and new):
        # Without both images of an item, any field may differ.
        return every_field(key.entity_type)
    return detect_changes(key.entity_type, old, new)


def _timestamp(epoch_seconds: object) -> datetime:
    if isinstance(epoch_seconds, _NUMBERS) and not isinstance(epoch_seconds, bool):
        try:
            return datetime.fromtimestamp(epoch_seconds, UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise MalformedRecordError("ApproximateCreationDateTime is not a time") from error
    raise MalformedRecordError("the stream record has no ApproximateCreationDateTime in seconds")


def _label(value: object) -> str:
    """Return an identifier for people. An invalid one becomes an empty text.

    No component depends on it.
    """
    if isinstance(value, str) and value.isascii() and value.isprintable():
        return value if len(value) <= _LONGEST_LABEL else ""
    return ""
