"""The meaning of messages and keys, implemented again without the code under test."""

import json
from collections.abc import Mapping
from typing import Any, Final

from tests.reliability.simulation.checks import model
from tests.reliability.simulation.environment.table import Key

POISON: Final = "poison"
POISON_DELTA: Final = "7BAD"
"""Mark of messages and delta ids that can never be applied."""


def is_poison(body: str) -> bool:
    """Return whether the script made the message so that it can never be applied."""
    return POISON in body or POISON_DELTA in body


def is_malformed(key: Key) -> bool:
    return key[1].endswith("#LINE#x")


def kind_of(key: Key) -> str | None:
    """Return the feature flag of an entity, or None if it belongs to another user of the table."""
    parts = key[1].split("#")
    kinds = {3: "metadata", 4: "line", 6: "word"}
    return kinds.get(len(parts)) if parts[0] == "RECEIPT" else None


_OWN: Final = frozenset({"text", "confidence", "bounding_box", "embedding_status", "is_noise"})
RELEVANT: Final = {"metadata": model.MERCHANT_NAMES, "line": _OWN, "word": _OWN}


def changes_in(body: str) -> list[dict[str, Any]]:
    """Return the changes of a message. Other messages have none."""
    if is_poison(body):
        return []
    content = json.loads(body)
    if content.get("source") == "dynamodb_stream_batch":
        return list(content["items"])
    return [content] if content.get("source") == "dynamodb_stream" else []


def change_key(change: Mapping[str, Any]) -> Key:
    data = change["entity_data"]
    pk, sk = f"IMAGE#{data['image_id']}", f"RECEIPT#{data['receipt_id']:05d}"
    if data.get("line_id") is None:
        return pk, f"{sk}#METADATA"
    entity = model.Entity(
        data["image_id"], data["receipt_id"], data["line_id"], data.get("word_id")
    )
    return entity.key


def is_of(key: Key, body: str) -> bool:
    """Return whether a body holds a change of the key."""
    return any(change_key(change) == key for change in changes_in(body))
