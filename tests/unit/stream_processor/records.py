"""Stream records as Lambda hands them over."""

from typing import Any

from receipt_sync.keys import EntityKey

CREATED = 1_769_860_800  # 2026-01-31T12:00:00Z
LINE = EntityKey("3f2504e0-4f89-41d3-9a0c-0305e82c3301", 1, 2)
WORD = LINE._replace(word_id=3)
METADATA = LINE.metadata


def text_image(text: str = "MILK 4.50", /, **attributes: Any) -> dict[str, Any]:
    """The image of a line or word."""
    return {"text": {"S": text}, "embedding_status": {"S": "PENDING"}, **attributes}


OLD, NEW = text_image("MILK 4.50"), text_image("MILK 4.60")


def raw_record(
    pk: str,
    sk: str,
    event: str = "MODIFY",
    *,
    old: dict[str, Any] | None = OLD,
    new: dict[str, Any] | None = NEW,
    sequence: int = 100,
    created: float = CREATED,
) -> dict[str, Any]:
    """A record of any key; an image that the event does not have is left out."""
    images = {"OldImage": None if event == "INSERT" else old}
    images["NewImage"] = None if event == "REMOVE" else new
    return {
        "eventID": f"event-{sequence}",
        "eventName": event,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": {
            "ApproximateCreationDateTime": created,
            "Keys": {"PK": {"S": pk}, "SK": {"S": sk}},
            **{name: image for name, image in images.items() if image is not None},
            "SequenceNumber": f"{sequence:021d}",
            "SizeBytes": 26,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": "arn:aws:dynamodb:eu-west-1:1:table/receipts/stream/2026",
    }


def record(key: EntityKey = LINE, event: str = "MODIFY", **details: Any) -> dict[str, Any]:
    """A record of one of our entities."""
    return raw_record(key.pk, key.sk, event, **details)


def changed(base: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The record with other values in its `dynamodb`; one that is None there is left out."""
    data = {**base["dynamodb"], **fields}
    return {**base, "dynamodb": {n: v for n, v in data.items() if v is not None}}


def malformed(sequence: int = 100) -> dict[str, Any]:
    """A record that can never be processed."""
    return raw_record(LINE.pk, "RECEIPT#00001#LINE#x", sequence=sequence)
