"""Change detection: which relevant fields differ between two images of an item."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

from receipt_sync.attributes import decode
from receipt_sync.fields import RELEVANT_FIELDS
from receipt_sync.keys import EntityType

EventName: TypeAlias = Literal["INSERT", "MODIFY", "REMOVE"]
Image: TypeAlias = Mapping[str, Mapping[str, Any]]


class FieldChange(NamedTuple):
    """Decoded values before and after; None stands for absent and for NULL alike."""

    old: Any
    new: Any


def detect_changes(
    entity_type: EntityType, old_image: Image | None, new_image: Image | None
) -> dict[str, FieldChange]:
    """The relevant fields that differ, by name. An absent image counts as one without fields.

    Raises MalformedValueError if a differing field is none of DynamoDB's types.
    """
    old_image, new_image = old_image or {}, new_image or {}
    changes: dict[str, FieldChange] = {}
    for field in RELEVANT_FIELDS[entity_type]:
        before, after = old_image.get(field), new_image.get(field)
        if before == after:  # compared undecoded first: most fields of most records are equal
            continue
        change = FieldChange(_value(before), _value(after))
        if change.old != change.new:
            changes[field] = change
    return changes


def every_field(entity_type: EntityType) -> dict[str, FieldChange]:
    """All relevant fields, values unknown: what to assume where a record carries no images."""
    return dict.fromkeys(RELEVANT_FIELDS[entity_type], FieldChange(None, None))


def _value(attribute: Mapping[str, Any] | None) -> Any:
    return None if attribute is None else decode(attribute)
