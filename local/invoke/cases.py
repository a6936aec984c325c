"""The expected effect of each file of events/, for one receipt from its vectors to a poison batch.

The cases of the compactor build on each other, and so do their writes to the table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from local.state import PROJECT
from receipt_sync.keys import Collection, EntityKey

EVENTS: Final = PROJECT / "events"
IMAGE: Final = "3f52804b-2fad-4e00-92c8-b593da3a8ed3"
DELTA_IDS: Final = {
    Collection.LINES: "01KG9A0E0S7V2Y3QJ4D5X6Z7A8",
    Collection.WORDS: "01KG9A0E0T7V2Y3QJ4D5X6Z7A8",
}
"""events/compactor-embedding-delta.json names these deltas. Their objects must be in the bucket."""

Item = Mapping[str, Any]
"""Attributes of an item, as Python values."""

METADATA: Final = EntityKey(IMAGE, 1)


def line(number: int) -> EntityKey:
    """Return the key of a line of the receipt."""
    return EntityKey(IMAGE, 1, number)


def word(of_line: int, number: int) -> EntityKey:
    """Return the key of a word of the receipt."""
    return EntityKey(IMAGE, 1, of_line, number)


def merchant(name: str) -> Item:
    """Return the attributes of the receipt's metadata."""
    return {"merchant_name": name}


def entity(text: str) -> Item:
    """Return the attributes of a line or word whose vector was sent."""
    return {"text": text, "embedding_status": "SUCCESS"}


TABLE: Final[Mapping[EntityKey, Item]] = {
    METADATA: merchant("Cafe Lune"),
    line(1): entity("CAFE LUNA"),
    line(2): entity("FIAT WHITE 4.50"),
    line(3): entity("TOTAL 4.50"),
    word(2, 1): entity("FIAT"),
    word(2, 2): entity("WHITE"),
    word(2, 3): entity("4.50"),
    word(3, 1): entity("TOTAL"),
}
"""The receipt before the first event of the compactor."""

RECORDS: Final = [key for key in TABLE if key.collection is not None]


@dataclass(frozen=True)
class StreamCase:
    """A case of the stream processor.

    `queued` holds the changes that must be in the queue (event name, key). `parked` is the number
    of parked records.
    """

    event: str
    queued: frozenset[tuple[str, EntityKey]]
    parked: int = 0


@dataclass(frozen=True)
class CompactorCase:
    """A case of the compactor.

    `writes` goes to the table first. `published` is the expected content of the snapshot
    afterwards. None stands for an absent item or record. `parked` is the number of parked messages.
    """

    event: str
    writes: Mapping[EntityKey, Item | None]
    published: Mapping[EntityKey, Item | None]
    parked: int = 0


STREAM_CASES: Final = (
    StreamCase(
        "stream-insert",
        frozenset(("INSERT", key) for key in (METADATA, line(1), line(2), word(2, 1))),
    ),
    StreamCase("stream-modify", frozenset({("MODIFY", line(2))})),
    StreamCase("stream-remove", frozenset({("REMOVE", line(3)), ("REMOVE", word(3, 1))})),
    StreamCase(
        "stream-mixed",
        frozenset({("MODIFY", METADATA), ("REMOVE", word(2, 3))}),
        parked=2,
    ),
)
COMPACTOR_CASES: Final = (
    CompactorCase(
        "compactor-embedding-delta",
        TABLE,
        {
            **{key: {"merchant_name": "Cafe Lune", "text": TABLE[key]["text"]} for key in RECORDS},
            line(1): {"text": "CAFE LUNA", "next_line_text": "FIAT WHITE 4.50"},
        },
    ),
    CompactorCase(
        "compactor-line-change",
        {line(2): entity("FLAT WHITE 4.50")},
        {
            line(1): {"next_line_text": "FLAT WHITE 4.50"},
            line(2): {"text": "FLAT WHITE 4.50", "embedding_stale": True},
            line(3): {"prev_line_text": "FLAT WHITE 4.50"},
        },
    ),
    CompactorCase(
        "compactor-merchant-change",
        {METADATA: merchant("Cafe Luna")},
        {key: {"merchant_name": "Cafe Luna"} for key in RECORDS},
    ),
    CompactorCase(
        "compactor-batch",
        {word(2, 1): entity("FLAT"), line(3): None, word(3, 1): None},
        {
            word(2, 1): {"text": "FLAT"},
            word(2, 2): {"prev_word_text": "FLAT"},
            line(3): None,
            word(3, 1): None,
        },
    ),
    CompactorCase(
        "compactor-poison",
        {line(1): entity("CAFE LUNA & SONS")},
        {line(1): {"text": "CAFE LUNA & SONS"}},
        parked=4,
    ),
)


def event_path(name: str) -> Path:
    """Return the path of an event's file."""
    return EVENTS / f"{name}.json"
