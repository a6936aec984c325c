"""Several changes of one entity in one batch become one: the compactor reads the present anyway."""

from collections.abc import Iterable

from receipt_sync.changes import EventName, FieldChange
from receipt_sync.keys import EntityKey
from stream_processor.detection import EntityChange


def coalesce(changes: Iterable[EntityChange]) -> list[EntityChange]:
    """One change an entity, in the order in which each was first seen."""
    merged: dict[EntityKey, EntityChange] = {}
    for change in changes:
        earlier = merged.get(change.key)
        merged[change.key] = change if earlier is None else _merge(earlier, change)
    return list(merged.values())


def _merge(earlier: EntityChange, later: EntityChange) -> EntityChange:
    return EntityChange(
        key=later.key,
        event_name=_event(earlier.event_name, later.event_name),
        changes={**earlier.changes, **_continued(earlier, later)},
        # The oldest: freshness must not look better than it is.
        timestamp=min(earlier.timestamp, later.timestamp),
        stream_record_id=later.stream_record_id,
        sequence_number=later.sequence_number,
        aws_region=later.aws_region,
        first_sequence=min(earlier.first_sequence, later.first_sequence),
    )


def _event(earlier: EventName, later: EventName) -> EventName:
    """The last that says whether the entity exists; REMOVE then INSERT is an INSERT."""
    return earlier if later == "MODIFY" else later


def _continued(earlier: EntityChange, later: EntityChange) -> dict[str, FieldChange]:
    """The later changes, each from the oldest value. A field that went back stays named."""
    return {
        field: FieldChange(earlier.changes.get(field, change).old, change.new)
        for field, change in later.changes.items()
    }
