"""The records of a collection, and the protocol with which the logic reads and writes them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

if TYPE_CHECKING:
    from receipt_index.deltas import Vectors  # this module needs no NumPy

Scalar: TypeAlias = str | int | float | bool
Metadata: TypeAlias = dict[str, Scalar | None]

STALE: Final = "embedding_stale"
"""The metadata key that is true while a record's vector belongs to an older text."""

DELTA_ID: Final = "delta_id"
"""The metadata key of the delta that brought a record's vector. It belongs to the index, and is not
part of the projection.
"""


@dataclass(frozen=True)
class Record:
    """A Chroma record without its vector. `document` is the text that was embedded."""

    id: str
    metadata: Mapping[str, Any]
    document: str | None


@dataclass(frozen=True)
class NewVector:
    """A vector to store, with the text that it was made from and the record's metadata."""

    id: str
    vector: "Vectors"
    document: str
    metadata: Metadata


@dataclass(frozen=True)
class Match:
    """A search hit. `distance` is the cosine distance, 0 for the same direction."""

    record: Record
    distance: float


class Index(Protocol):
    """One collection of records. Every method may raise IndexFailedError."""

    def get(self, ids: Sequence[str]) -> dict[str, Record]:
        """Return the records that exist, by id."""
        ...

    def vectors(self, ids: Sequence[str]) -> "dict[str, Vectors]":
        """Return the vectors of the records that exist, by id."""
        ...

    def ids(self) -> Iterator[str]:
        """Yield every record's id, each once. Nothing may be written meanwhile."""
        ...

    def update(self, metadata: Mapping[str, Metadata]) -> None:
        """Merge metadata into existing records; None deletes a key."""
        ...

    def insert(self, records: Sequence[NewVector]) -> None:
        """Add records that do not exist yet."""
        ...

    def replace_vectors(self, records: Sequence[NewVector]) -> None:
        """Give existing records another vector, document and metadata."""
        ...

    def delete(self, ids: Sequence[str]) -> None:
        """Delete records."""
        ...

    def count(self) -> int:
        """Return how many records there are."""
        ...

    def dimension(self) -> int | None:
        """Return the dimension of the collection's vectors; None before the first vector.

        Chroma keeps the dimension when the last record is deleted.
        """
        ...

    def close(self) -> None:
        """Close the files."""
        ...
