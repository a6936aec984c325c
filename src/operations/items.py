"""A receipt as the DynamoDB items that the rest of the system reads (design: Keys).

Everything of a receipt follows from its name, so that loading a file twice writes the same items.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, TypeAlias
from uuid import UUID, uuid5

from boto3.dynamodb.types import TypeSerializer

from operations.receipts import Box, Receipt
from receipt_sync.fields import EMBEDDED
from receipt_sync.keys import EntityKey

NAMESPACE: Final = UUID("5f3c1f0e-6d4b-5d0a-9c56-0b8a7c9c2e11")
"""Of the uuid5 that makes an image_id out of a receipt's name. Another orphans what is loaded."""

PENDING: Final = "PENDING"
RECEIPT_ID: Final = 1
"""A file has one receipt an image."""

_THOUSANDTH: Final = Decimal("0.001")
_serialize = TypeSerializer().serialize

AttributeMap: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Entity:
    """One item: its key, and its other attributes as Python values (numbers int or Decimal)."""

    key: EntityKey
    fields: Mapping[str, Any]

    @property
    def text(self) -> str:
        """What is embedded of a line or word."""
        return str(self.fields["text"])

    def with_status(self, status: str) -> "Entity":
        """The same line or word with another embedding_status, and its GSI1 key with it."""
        return replace(self, fields={**self.fields, **_status(self.key, status)})

    def to_item(self) -> AttributeMap:
        """The item in DynamoDB's own spelling. Fields that are None are left out."""
        attributes = {
            "PK": self.key.pk,
            "SK": self.key.sk,
            "TYPE": self.key.entity_type.value,
            **self.fields,
        }
        return {name: _serialize(v) for name, v in attributes.items() if v is not None}


def image_id_of(receipt_name: str) -> str:
    """The image that a receipt of this name belongs to."""
    return str(uuid5(NAMESPACE, receipt_name))


def entities_of(receipt: Receipt) -> Iterator[Entity]:
    """RECEIPT_METADATA, then each line followed by its words; embedding_status is PENDING."""
    metadata = EntityKey(image_id_of(receipt.receipt), RECEIPT_ID)
    yield Entity(metadata, _metadata_fields(receipt))
    for line_id, line in enumerate(receipt.lines, start=1):
        key = metadata._replace(line_id=line_id)
        yield _text_entity(key, line.text, Box(*line.box), line.confidence)
        for word_id, word in enumerate(line.words(), start=1):
            yield _text_entity(key._replace(word_id=word_id), word.text, word.box, line.confidence)


def embedded(entity: Entity) -> Entity:
    """A line or word whose vector has been sent."""
    return entity.with_status(EMBEDDED)


def canonical_name(company: str) -> str:
    """A merchant's name without the differences of one print to the next: case and spacing."""
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


def _text_entity(key: EntityKey, text: str, box: Box, confidence: float | None) -> Entity:
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
    """Pixels to a thousandth, in the shortest spelling: DynamoDB drops trailing zeros anyway."""
    shortest = Decimal(str(pixels)).quantize(_THOUSANDTH).normalize()
    return shortest.quantize(Decimal(1)) if shortest == shortest.to_integral() else shortest
