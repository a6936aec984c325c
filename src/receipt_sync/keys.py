"""Keys of the entities that Chroma mirrors (design: Keys).

A table key is one of three kinds. A receipt entity's key matches the pattern as a whole. A
malformed key has the shape of such a key, but not its digits. Every other key belongs to another
user of the table.
"""

import re
from enum import StrEnum
from typing import NamedTuple

from receipt_sync.errors import MalformedKeyError

# Five digits, or more without a leading zero, so that one number has one spelling. The limit is 18
# digits, because Chroma silently turns an integer beyond 64 bits into a float.
_ID = "([0-9]{5}|[1-9][0-9]{5,17})"
_OURS = re.compile(rf"RECEIPT#{_ID}#(?:METADATA|LINE#{_ID}(?:#WORD#{_ID})?)")
_SHAPE = re.compile(r"RECEIPT#[^#]*#(?:METADATA|LINE#[^#]*(?:#WORD#[^#]*)?)")
_IMAGE = re.compile(r"IMAGE#([^#]+)")
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
_PK_BYTES = 2_048
_SHOWN = 200  # Characters of a key that an error quotes.


class EntityType(StrEnum):
    """The types of entities whose changes reach Chroma."""

    METADATA = "RECEIPT_METADATA"
    LINE = "RECEIPT_LINE"
    WORD = "RECEIPT_WORD"

    @property
    def kind(self) -> str:
        """Return the short name in flags and in names of metadata: `metadata`, `line`, `word`."""
        return self.removeprefix("RECEIPT_").lower()

    @property
    def flag(self) -> str:
        """Return the setting that says whether the stream processor queues changes of this type."""
        return f"enable_{self.kind}_updates"


class Collection(StrEnum):
    """The Chroma collections. Each has its own lease and snapshot."""

    LINES = "receipt_lines"
    WORDS = "receipt_words"


class ReceiptKey(NamedTuple):
    """The key of one receipt of one image."""

    image_id: str
    receipt_id: int

    @property
    def pk(self) -> str:
        """Return the partition key of the receipt's items."""
        return f"IMAGE#{self.image_id}"

    @property
    def sk_prefix(self) -> str:
        """Return the prefix of the sort keys of all entities of the receipt."""
        return f"RECEIPT#{self.receipt_id:05d}#"


class EntityKey(NamedTuple):
    """The key of a receipt's metadata (no line_id), a line (no word_id) or a word."""

    image_id: str
    receipt_id: int
    line_id: int | None = None
    word_id: int | None = None

    @property
    def entity_type(self) -> EntityType:
        """Return the type of the entity."""
        if self.line_id is None:
            return EntityType.METADATA
        return EntityType.LINE if self.word_id is None else EntityType.WORD

    @property
    def collection(self) -> Collection | None:
        """Return the collection of this entity's record, or None for a receipt's metadata."""
        if self.line_id is None:
            return None
        return Collection.LINES if self.word_id is None else Collection.WORDS

    @property
    def ids(self) -> dict[str, str | int]:
        """Return the ids of the entity by name, without those that it does not have."""
        named = zip(self._fields, self, strict=True)  # _asdict() takes four times as long
        return {name: part for name, part in named if part is not None}

    @property
    def receipt(self) -> ReceiptKey:
        """Return the key of the entity's receipt."""
        return ReceiptKey(self.image_id, self.receipt_id)

    @property
    def metadata(self) -> "EntityKey":
        """Return the key of the receipt's RECEIPT_METADATA."""
        return EntityKey(self.image_id, self.receipt_id)

    @property
    def pk(self) -> str:
        """Return the partition key of the item."""
        return f"IMAGE#{self.image_id}"

    @property
    def sk(self) -> str:
        """Return the sort key of the item."""
        receipt = f"RECEIPT#{self.receipt_id:05d}"
        if self.line_id is None:
            return f"{receipt}#METADATA"
        line = f"{receipt}#LINE#{self.line_id:05d}"
        return line if self.word_id is None else f"{line}#WORD#{self.word_id:05d}"

    @property
    def chroma_id(self) -> str:
        """Return the id of the entity's Chroma record."""
        return f"IMAGE#{self.image_id}#{self.sk}"

    def neighbour(self, step: int) -> "EntityKey | None":
        """Return the key of the line or word `step` ids away, or None for an id below zero.

        The neighbour of a word is on the same line. A receipt's metadata has no neighbour.
        """
        if self.line_id is None:
            return None
        if self.word_id is None:
            line_id = self.line_id + step
            return self._replace(line_id=line_id) if line_id >= 0 else None
        word_id = self.word_id + step
        return self._replace(word_id=word_id) if word_id >= 0 else None


def parse_key(pk: str, sk: str) -> EntityKey | None:
    """Return the entity of a table key, or None if the key belongs to another user of the table.

    Raises MalformedKeyError for a key that has the shape of an entity's key but is invalid.
    """
    image = _IMAGE.fullmatch(pk)
    match = _OURS.fullmatch(sk)
    if image and match and _fits_the_table(pk):
        receipt_id, line_id, word_id = match.groups()
        return EntityKey(
            image[1],
            int(receipt_id),
            None if line_id is None else int(line_id),
            None if word_id is None else int(word_id),
        )
    if pk.startswith("IMAGE#") and _SHAPE.fullmatch(sk):
        raise MalformedKeyError(
            f"key {pk[:_SHOWN]!r} / {sk[:_SHOWN]!r} has the shape of a receipt entity, but not "
            f"IMAGE#<id without #>, {_PK_BYTES} bytes of UTF-8 at most, and ids of five digits or "
            "more (six or more without a leading zero): correct the producer that writes it"
        )
    return None


def _fits_the_table(pk: str) -> bool:
    if pk.isascii():
        return len(pk) <= _PK_BYTES
    try:
        return len(pk.encode()) <= _PK_BYTES
    except UnicodeEncodeError:  # A lone surrogate is not valid text.
        return False


def parse_chroma_id(chroma_id: str) -> EntityKey:
    """Return the entity of a Chroma record's id. Raises MalformedKeyError for any other text."""
    image, _, sk = chroma_id.partition("#RECEIPT#")
    key = parse_key(image, f"RECEIPT#{sk}")
    if key is None or key.collection is None:
        raise MalformedKeyError(
            f"id {chroma_id[:_SHOWN]!r} does not belong to a receipt's line or word"
        )
    return key
