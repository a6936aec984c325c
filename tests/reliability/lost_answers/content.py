"""Receipts for a trial: items as DynamoDB attribute values, and vectors computed from the text."""

from hashlib import sha256
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from receipt_index.deltas import VectorBatch, encode
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta, to_body

IMAGE: Final = "lost-answers"
DIMENSION: Final = 16
LINES, WORDS_A_LINE = 4, 2


def entities() -> list[EntityKey]:
    """Return the lines and words of one receipt."""
    lines = [EntityKey(IMAGE, 1, number) for number in range(1, LINES + 1)]
    words = [line._replace(word_id=n) for line in lines for n in range(1, WORDS_A_LINE + 1)]
    return [*lines, *words]


def item(key: EntityKey, text: str) -> dict[str, Any]:
    """Return the item of a line or word."""
    return {
        "PK": {"S": key.pk},
        "SK": {"S": key.sk},
        "TYPE": {"S": key.entity_type.value},
        "text": {"S": text},
        "confidence": {"N": "0.5"},
        "is_noise": {"BOOL": False},
        "embedding_status": {"S": "SUCCESS"},
    }


def merchant(name: str) -> dict[str, Any]:
    """Return the metadata item of the receipt."""
    key = entities()[0].metadata
    return {"PK": {"S": key.pk}, "SK": {"S": key.sk}, "merchant_name": {"S": name}}


def vector_of(chroma_id: str, text: str) -> NDArray[np.float32]:
    """Return the unit vector of this text of this record. No other text has it."""
    seed = int.from_bytes(sha256(f"{chroma_id} {text}".encode()).digest()[:8])
    vector = np.random.default_rng(seed).normal(size=DIMENSION)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def delta(number: int, collection: Collection, texts: dict[str, str]) -> tuple[str, bytes, str]:
    """Return the key and the content of a delta object, and the body of its message."""
    delta_id = f"01KG{number:022d}"
    vectors = np.stack([vector_of(*each) for each in texts.items()])
    batch = VectorBatch(delta_id, tuple(texts), vectors, tuple(texts.values()))
    message = Delta.of(collection, delta_id, len(texts))
    return message.delta_key, encode(batch), to_body(message)
