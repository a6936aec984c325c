"""The expected content of a record, implemented again without the code under test.

The metadata of a record consists of channels. Each channel is a function of one item of the table.
For each channel, the model can therefore name the moments of the table's history at which it was
correct.
"""

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from tests.reliability.simulation.environment.table import Attributes, Key

MERCHANT_NAMES: Final = frozenset(
    {
        "canonical_merchant_name", "merchant_name", "merchant_category", "address", "phone_number",
        "place_id", "canonical_address", "canonical_phone_number", "canonical_place_id",
    }
)  # fmt: skip
_CONTEXT: Final = {
    "prev_line_text": "previous", "prev_word_text": "previous",
    "next_line_text": "next", "next_word_text": "next",
}  # fmt: skip
_DELTA_ID: Final = "delta_id"
_SIDES: Final = ("x", "y", "width", "height")


class Entity(NamedTuple):
    """A line or a word, by its place in the table."""

    image: str
    receipt: int
    line: int
    word: int | None

    @property
    def key(self) -> Key:
        return _key(self.image, self.receipt, self.line, self.word)

    @property
    def metadata_key(self) -> Key:
        return (f"IMAGE#{self.image}", f"RECEIPT#{self.receipt:05d}#METADATA")

    def neighbour_key(self, step: int) -> Key:
        if self.word is None:
            return _key(self.image, self.receipt, self.line + step, None)
        return _key(self.image, self.receipt, self.line, self.word + step)


def entity_of(chroma_id: str) -> Entity:
    """Return the entity of a record's id: IMAGE#i#RECEIPT#00001#LINE#00002[#WORD#00003]."""
    parts = chroma_id.split("#")
    word = int(parts[7]) if len(parts) == 8 else None
    return Entity(parts[1], int(parts[3]), int(parts[5]), word)


def channels(entity: Entity) -> dict[str, Key]:
    """Return the item on which each channel of a record depends."""
    return {
        "own": entity.key,
        "merchant": entity.metadata_key,
        "previous": entity.neighbour_key(-1),
        "next": entity.neighbour_key(1),
    }


def held(metadata: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the metadata of a record by channel."""
    found: dict[str, dict[str, Any]] = {"own": {}, "merchant": {}, "previous": {}, "next": {}}
    for name, value in metadata.items():
        if name in MERCHANT_NAMES:
            found["merchant"][name] = value
        elif name in _CONTEXT:
            found[_CONTEXT[name]]["text"] = value
        elif name != _DELTA_ID:
            found["own"][name] = value
    return found


def expected(
    channel: str, entity: Entity, item: Attributes | None, document: str | None
) -> dict[str, Any] | None:
    """Return the expected content of a channel while the table holds `item`.

    None means no record.
    """
    if channel == "own":
        return None if item is None else _own(entity, item, document)
    if item is None:
        return {}
    if channel == "merchant":
        return {name: item[name]["S"] for name in MERCHANT_NAMES if name in item}
    return {"text": item["text"]["S"]} if "text" in item else {}


def equal(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether names, types and values are equal. Floats may differ by Chroma's rounding."""
    if one.keys() != other.keys():
        return False
    return all(_same(value, other[name]) for name, value in one.items())


def _same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return math.isclose(one, other, rel_tol=1e-12)
    return bool(one == other)


def _own(entity: Entity, item: Attributes, document: str | None) -> dict[str, Any]:
    text = item["text"]["S"] if "text" in item else None
    fields: dict[str, Any] = {
        "image_id": entity.image,
        "receipt_id": entity.receipt,
        "line_id": entity.line,
        "word_id": entity.word,
        "text": text,
        "confidence": float(item["confidence"]["N"]) if "confidence" in item else None,
        "embedding_status": item.get("embedding_status", {}).get("S"),
        "is_noise": item.get("is_noise", {}).get("BOOL"),
        "embedding_stale": True if document != (text or "") else None,
    }
    box = item.get("bounding_box", {}).get("M", {})
    fields |= {f"bounding_box_{side}": float(box[side]["N"]) for side in _SIDES if side in box}
    return {name: value for name, value in fields.items() if value is not None}


def _key(image: str, receipt: int, line: int, word: int | None) -> Key:
    sk = f"RECEIPT#{receipt:05d}#LINE#{line:05d}"
    return (f"IMAGE#{image}", sk if word is None else f"{sk}#WORD#{word:05d}")
