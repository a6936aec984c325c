"""The fields of each entity that Chroma mirrors (design: Fields)."""

from typing import Final

from receipt_sync.keys import EntityType

MERCHANT_FIELDS: Final = (
    "canonical_merchant_name",
    "merchant_name",
    "merchant_category",
    "address",
    "phone_number",
    "place_id",
    "canonical_address",
    "canonical_phone_number",
    "canonical_place_id",
)
OWN_FIELDS: Final = ("text", "confidence", "bounding_box", "embedding_status", "is_noise")
BOUNDING_BOX_SIDES: Final = ("x", "y", "width", "height")

RELEVANT_FIELDS: Final[dict[EntityType, tuple[str, ...]]] = {
    EntityType.METADATA: MERCHANT_FIELDS,
    EntityType.LINE: OWN_FIELDS,
    EntityType.WORD: OWN_FIELDS,
}

EMBEDDED: Final = "SUCCESS"
"""The embedding_status that a producer sets after it has sent the vector of an entity."""
