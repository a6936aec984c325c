"""Merges several changes of one entity in a batch into one change.

This loses nothing, because the compactor reads the present state of the entity from the table.
"""

from collections.abc import Iterable

from receipt_sync.changes import EventName, FieldChange
from receipt_sync.keys import EntityKey
from stream_processor.detection import EntityChange


def coalesce(changes: Iterable[EntityChange]) -> list[EntityChange]:
    """Return one change per entity, in the order of each entity's first change."""
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
        # The oldest timestamp counts. A later one would make the measured freshness too good.
        timestamp=min(earlier.timestamp, later.timestamp),
        stream_record_id=later.stream_record_id,
        sequence_number=later.sequence_number,
        aws_region=later.aws_region,
        first_sequence=min(earlier.first_sequence, later.first_sequence),
    )


def _event(earlier: EventName, later: EventName) -> EventName:
    """Return the last event name that says whether the entity exists.

    A REMOVE and then an INSERT give an INSERT.
    """
    return earlier if later == "MODIFY" else later


def _continued(earlier: EntityChange, later: EntityChange) -> dict[str, FieldChange]:
    """Return the later changes, each with the oldest value of its field.

    A field that returned to its first value stays in the result.
    """
    return {
        field: FieldChange(earlier.changes.get(field, change).old, change.new)
        for field, change in later.changes.items()
    }
