"""The scope of a verification or repair: the whole table, an image, a receipt, or a sample."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Protocol

from compactor.cycle.projection import Item
from compactor.cycle.source import TableSource
from receipt_ops.table_pages import PageRequest, Pages
from receipt_sync.deadline import Deadline
from receipt_sync.keys import EntityKey, ReceiptKey

MOST_SEGMENTS: Final = 1_000_000
"""The most segments of a parallel scan.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html, TotalSegments.
"""

Entities = Iterator[tuple[EntityKey, Item]]


class Scope(Protocol):
    """A part of the table, and of the records that belong to it."""

    def entities(self, deadline: Deadline) -> Entities:
        """Yield its entities, those of an image together, with all items of their records."""
        ...

    def covers(self, chroma_id: str) -> bool:
        """Return whether a record without an item belongs to this part."""
        ...

    @property
    def is_whole(self) -> bool:
        """Return whether this is the whole table, so that counts alone prove that none is left."""
        ...


class Scanned(Protocol):
    """A table that can be read from end to end."""

    def scan(self, deadline: Deadline) -> Entities: ...


@dataclass(frozen=True)
class WholeTable:
    """Scope of the whole table."""

    table: Scanned
    is_whole: bool = True

    def entities(self, deadline: Deadline) -> Entities:
        return self.table.scan(deadline)

    def covers(self, chroma_id: str) -> bool:  # noqa: ARG002 the Protocol names it
        return True


@dataclass(frozen=True)
class OneImage:
    """Scope of all receipts of one image."""

    pages: Pages
    image_id: str
    is_whole: bool = False

    def entities(self, deadline: Deadline) -> Entities:
        request = PageRequest.of_partition(f"IMAGE#{self.image_id}", "RECEIPT#")
        for page in self.pages.read(request, deadline):
            yield from page.entities.items()

    def covers(self, chroma_id: str) -> bool:
        return chroma_id.startswith(f"IMAGE#{self.image_id}#RECEIPT#")


@dataclass(frozen=True)
class SomeReceipts:
    """Scope of some receipts. Receipts of one image must follow each other."""

    source: TableSource
    receipts: Sequence[ReceiptKey]
    is_whole: bool = False

    def entities(self, deadline: Deadline) -> Entities:
        for key, item in self.source.members(self.receipts, deadline).items():
            yield key, item or {}

    def covers(self, chroma_id: str) -> bool:
        prefixes = tuple(f"{receipt.pk}#{receipt.sk_prefix}" for receipt in self.receipts)
        return chroma_id.startswith(prefixes)


@dataclass(frozen=True)
class Sample:
    """Scope of a random share of the images: one of 1/share segments of a parallel scan.

    DynamoDB puts all items of a partition key into one segment. So a sample holds an image
    completely or not at all. Records without an item are sampled separately.
    """

    pages: Pages
    share: float
    randomness: Random
    is_whole: bool = False

    def entities(self, deadline: Deadline) -> Entities:
        segments = min(MOST_SEGMENTS, max(1, round(1 / self.share)))
        request = PageRequest.of_segment(self.randomness.randrange(segments), segments)
        for page in self.pages.read(request, deadline):
            yield from page.entities.items()

    def covers(self, chroma_id: str) -> bool:  # noqa: ARG002 each has the same chance
        return self.randomness.random() < self.share
