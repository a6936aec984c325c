"""A collection in memory that lists and filters its records, as an embedded Chroma does."""

from collections.abc import Iterator, Mapping
from typing import Any

from receipt_index.deltas import Vectors
from receipt_index.records import Match
from tests.support.fakes.index import InMemoryIndex


class ListedIndex(InMemoryIndex):
    """An index in memory. `where` is one field and its value. Its search finds nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = 0

    def ids(self) -> Iterator[str]:
        return iter(list(self.records))

    def matching(self, where: Mapping[str, Any]) -> list[str]:
        return [
            record.id
            for record in self.records.values()
            if all(record.metadata.get(name) == value for name, value in where.items())
        ]

    def search(
        self, vector: Vectors, limit: int, where: Mapping[str, Any] | None = None
    ) -> list[Match]:
        return []

    def warm_up(self) -> None:
        pass

    def close(self) -> None:
        self.closed += 1
