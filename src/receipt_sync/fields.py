"""The table of fields: which attributes of each entity Chroma mirrors (design: Fields).

Change detection, table reads and the projection all follow FIELDS. A new field needs a new entry
here, and nothing else.
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final, NamedTuple

from receipt_sync.keys import EntityType


class Form(Enum):
    """How a field's value becomes Chroma metadata, which holds flat scalars."""

    VALUE = auto()
    """The value itself. A list, set, map or bytes become JSON text."""
    NUMBER = auto()
    """A float, because Chroma's filters distinguish 1 from 1.0."""
    BOX = auto()
    """A map of BOX_SIDES. Each side becomes a float with the name `{field}_{side}`."""


class Field(NamedTuple):
    """A field of an entity: its name in the table and in Chroma, and the form of its value."""

    name: str
    form: Form = Form.VALUE


BOX_SIDES: Final = ("x", "y", "width", "height")

_MERCHANT_FIELDS: Final = (
    Field("canonical_merchant_name"),
    Field("merchant_name"),
    Field("merchant_category"),
    Field("address"),
    Field("phone_number"),
    Field("place_id"),
    Field("canonical_address"),
    Field("canonical_phone_number"),
    Field("canonical_place_id"),
)
_OWN_FIELDS: Final = (
    Field("text"),
    Field("confidence", Form.NUMBER),
    Field("bounding_box", Form.BOX),
    Field("embedding_status"),
    Field("is_noise"),
)

FIELDS: Final[Mapping[EntityType, tuple[Field, ...]]] = {
    entity_type: _MERCHANT_FIELDS if entity_type is EntityType.METADATA else _OWN_FIELDS
    for entity_type in EntityType
}
"""Every record of a receipt holds the fields of RECEIPT_METADATA besides its own."""

RELEVANT_FIELDS: Final[Mapping[EntityType, tuple[str, ...]]] = {
    entity_type: tuple(field.name for field in fields) for entity_type, fields in FIELDS.items()
}
"""The names of the fields, by entity type."""

EMBEDDED: Final = "SUCCESS"
"""The embedding_status that a producer sets after it has sent the vector of an entity."""
