"""The protocol of readers of a published collection."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, Self

from receipt_index.deltas import Vectors
from receipt_index.following import Following
from receipt_index.records import Match, Record
from receipt_sync.keys import Collection


class Reader(Protocol):
    """A reader of one published collection: a SnapshotReader, or a ServerReader."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    @property
    def version(self) -> int: ...

    @property
    def is_fixed(self) -> bool: ...

    @property
    def search_is_exact(self) -> bool: ...

    @property
    def published_at(self) -> datetime | None: ...

    @property
    def elements(self) -> int | None: ...

    def refresh(self) -> bool: ...

    def follow(self, interval: float) -> Following: ...

    def get(self, ids: Sequence[str]) -> dict[str, Record]: ...

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]: ...

    def ids(self) -> Iterator[str]: ...

    def count(self) -> int: ...

    def dimension(self) -> int | None: ...

    def search(
        self, vector: Vectors, limit: int, where: Mapping[str, Any] | None = None
    ) -> list[Match]: ...

    def close(self, *, keep: bool = False) -> None: ...


Readers = Mapping[Collection, Reader]
