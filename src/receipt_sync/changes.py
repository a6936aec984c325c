"""Change detection: finds the relevant fields that differ between two images of an item."""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from receipt_sync.attributes import decode
from receipt_sync.errors import MalformedValueError
from receipt_sync.fields import RELEVANT_FIELDS
from receipt_sync.keys import EntityType

EventName: TypeAlias = Literal["INSERT", "MODIFY", "REMOVE"]
Image: TypeAlias = Mapping[str, Mapping[str, Any]]


class FieldChange(NamedTuple):
    """The decoded values of a field before and after a change. None means absent or NULL."""

    old: Any
    new: Any


_NOTHING: Final = FieldChange(None, None)


def detect_changes(
    entity_type: EntityType, old_image: Image | None, new_image: Image | None
) -> dict[str, FieldChange]:
    """Return the relevant fields that differ, by name. A missing image counts as an empty one.

    The comparison uses the encoded attributes, because Python treats 1 and True as equal. Raises
    MalformedValueError if the value of a differing field has none of DynamoDB's types.
    """
    old_image, new_image = old_image or {}, new_image or {}
    changes: dict[str, FieldChange] = {}
    for field in RELEVANT_FIELDS[entity_type]:
        before, after = old_image.get(field), new_image.get(field)
        if before == after:
            continue
        change = FieldChange(_value(field, before), _value(field, after))
        if change != _NOTHING:  # Absent and NULL count as the same value.
            changes[field] = change
    return changes


def every_field(entity_type: EntityType) -> dict[str, FieldChange]:
    """Return all relevant fields with unknown values. Use it for a record that has no images."""
    return dict.fromkeys(RELEVANT_FIELDS[entity_type], _NOTHING)


def _value(field: str, attribute: Mapping[str, Any] | None) -> Any:
    try:
        return None if attribute is None else decode(attribute)
    except MalformedValueError as error:
        raise MalformedValueError(f"{field}: {error}") from error
