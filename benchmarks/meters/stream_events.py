"""Builds stream events as Lambda delivers them, with a mix of editors' and pipelines' changes."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any, Final

from receipt_ops.loading.dynamodb_items import AttributeMap, item_of
from receipt_ops.loading.items import Entity

_CREATED: Final = 1_769_860_800.0
_MIX: Final = {"text": 50, "confidence": 20, "embedding_status": 15, "other": 10, "REMOVE": 5}
"""The percentage of each kind of record. `other` changes a field that Chroma does not mirror."""


def event_of(words: list[Entity], first_sequence: int, randomness: Random) -> dict[str, Any]:
    """Return one event with one record for each word."""
    kinds = randomness.choices(list(_MIX), list(_MIX.values()), k=len(words))
    records = [
        _record(word, kind, first_sequence + number)
        for number, (word, kind) in enumerate(zip(words, kinds, strict=True))
    ]
    return {"Records": records}


def events_of(
    words: tuple[Entity, ...], batch: int, randomness: Random
) -> Iterator[dict[str, Any]]:
    """Yield events of `batch` records without end. No word occurs twice in one event."""
    sequence = 1
    while True:
        yield event_of(randomness.sample(words, batch), sequence, randomness)
        sequence += batch


def stream_record(
    entity: Entity, old: AttributeMap | None, new: AttributeMap | None, sequence: int
) -> dict[str, Any]:
    """Return one record. It lacks an image that is None."""
    event = "MODIFY" if old and new else "INSERT" if new else "REMOVE"
    images = {"OldImage": old, "NewImage": new}
    return {
        "eventID": f"{sequence:032x}",
        "eventName": event,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": _CREATED,
            "Keys": {"PK": {"S": entity.key.pk}, "SK": {"S": entity.key.sk}},
            **{name: image for name, image in images.items() if image is not None},
            "SequenceNumber": f"{sequence:021d}",
            "SizeBytes": 500,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2026",
    }


def _record(word: Entity, kind: str, sequence: int) -> dict[str, Any]:
    if kind == "REMOVE":
        return stream_record(word, item_of(word), None, sequence)
    new = replace(word, fields={**word.fields, **_change(word, kind, sequence)})
    return stream_record(word, item_of(word), item_of(new), sequence)


def _change(word: Entity, kind: str, sequence: int) -> dict[str, Any]:
    if kind == "text":
        return {"text": f"{word.text}~{sequence}"}
    if kind == "confidence":
        return {"confidence": Decimal(sequence % 999 + 1).scaleb(-3)}
    if kind == "embedding_status":
        return {"embedding_status": "PENDING"}
    return {"reviewed_by": f"user-{sequence}"}
