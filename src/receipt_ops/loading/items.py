"""The DynamoDB items of a receipt (design: Keys).

The keys of all items follow from the receipt's name. So a second load of a file writes the same
items.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid5

from receipt_ops.loading.receipts import BoundingBox, Receipt
from receipt_sync.fields import EMBEDDED
from receipt_sync.keys import EntityKey

NAMESPACE: Final = UUID("5f3c1f0e-6d4b-5d0a-9c56-0b8a7c9c2e11")
"""The namespace of the uuid5 that turns a receipt's name into an image_id.

A change would give every loaded receipt other keys, and leave its old items behind.
"""

PENDING: Final = "PENDING"
RECEIPT_ID: Final = 1
"""A receipts file holds one receipt for each image."""

_THOUSANDTH: Final = Decimal("0.001")


@dataclass(frozen=True)
class Entity:
    """Holds an item: its key, and its other attributes as Python values.

    Numbers are int or Decimal.
    """

    key: EntityKey
    fields: Mapping[str, Any]

    @property
    def text(self) -> str:
        """Return the text of a line or word, from which its vector is made."""
        return str(self.fields["text"])

    def with_status(self, status: str) -> "Entity":
        """Return the line or word with another embedding_status and the matching GSI1 key."""
        return replace(self, fields={**self.fields, **_status(self.key, status)})


def image_id_of(receipt_name: str) -> str:
    """Return the image_id of a receipt with this name."""
    return str(uuid5(NAMESPACE, receipt_name))


def entities_of(receipt: Receipt) -> Iterator[Entity]:
    """Yield the RECEIPT_METADATA, then each line and its words, with embedding_status PENDING."""
    metadata = EntityKey(image_id_of(receipt.receipt), RECEIPT_ID)
    yield Entity(metadata, _metadata_fields(receipt))
    for line_id, line in enumerate(receipt.lines, start=1):
        key = metadata._replace(line_id=line_id)
        yield _text_entity(key, line.text, BoundingBox(*line.box), line.confidence)
        for word_id, word in enumerate(line.words(), start=1):
            yield _text_entity(key._replace(word_id=word_id), word.text, word.box, line.confidence)


def embedded(entity: Entity) -> Entity:
    """Return the line or word with the embedding_status of a sent vector."""
    return entity.with_status(EMBEDDED)


def canonical_name(company: str) -> str:
    """Return a merchant's name in upper case with single spaces, as prints differ in both."""
    return " ".join(company.upper().split())


def _metadata_fields(receipt: Receipt) -> dict[str, Any]:
    return {
        "receipt_name": receipt.receipt,
        "merchant_name": receipt.company,
        "canonical_merchant_name": canonical_name(receipt.company) if receipt.company else None,
        "address": receipt.address,
        "date": receipt.date,
        "total": receipt.total,
    }


def _text_entity(key: EntityKey, text: str, box: BoundingBox, confidence: float | None) -> Entity:
    fields = {
        "text": text,
        "bounding_box": {
            "x": _number(box.x1),
            "y": _number(box.y1),
            "width": _number(box.x2 - box.x1),
            "height": _number(box.y2 - box.y1),
        },
        "confidence": None if confidence is None else Decimal(str(confidence)),
        "is_noise": False,
        **_status(key, PENDING),
    }
    return Entity(key, fields)


def _status(key: EntityKey, status: str) -> dict[str, str]:
    return {
        "embedding_status": status,
        "GSI1PK": f"EMBEDDING_STATUS#{status}",
        "GSI1SK": key.chroma_id,
    }


def _number(pixels: float) -> Decimal:
    """Return pixels to a thousandth without trailing zeros, which DynamoDB drops too."""
    shortest = Decimal(str(pixels)).quantize(_THOUSANDTH).normalize()
    return shortest.quantize(Decimal(1)) if shortest == shortest.to_integral() else shortest
