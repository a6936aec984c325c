"""A reader of a collection on a Chroma server, for operators and searches.

Unlike a snapshot, the collection may change between two calls. The version only shows when a whole
cycle was last applied.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from receipt_index.deltas import Vectors
from receipt_index.records import Match, Record
from receipt_index.server.index import ServerIndex
from receipt_index.server.target import VersionStore
from receipt_index.server.version import ServerVersion, check_identity, read_version
from receipt_index.snapshot.reading.reader import NothingPublishedError
from receipt_index.snapshot.store.snapshot_store import FetchedManifest
from receipt_sync.keys import Collection


class ServerReader:
    """A reader with the methods of SnapshotReader, which reads from the server."""

    def __init__(
        self, store: VersionStore, collection: Collection, open_index: Callable[[], ServerIndex]
    ) -> None:
        self._store, self._collection, self._open_index = store, collection, open_index
        self._opened: ServerIndex | None = None
        self._etag: str | None = None
        self._published: ServerVersion | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def version(self) -> int:
        """Return the version of the last refresh; 0 while nothing is published."""
        return self._published.version if self._published else 0

    @property
    def is_fixed(self) -> bool:
        """Return False: the compactor may write to the collection at any time."""
        return False

    @property
    def published_at(self) -> datetime | None:
        """Return when that version was published; None while nothing is published."""
        return self._published.published_at if self._published else None

    @property
    def elements(self) -> None:
        """Return None, because a server does not report the number of elements of its graph."""
        return

    def refresh(self) -> bool:
        """Read the manifest again; return True if the version has changed.

        Raises SnapshotDamagedError if the manifest is unreadable or is that of another collection.
        """
        got = self._store.manifest(self._etag)
        if not isinstance(got, FetchedManifest):
            return False
        before = self.version
        published = read_version(got.data, self._collection)
        if self._opened is not None:
            check_identity(published, self._opened.collection_id)
        self._published, self._etag = published, got.etag
        return self.version != before

    def get(self, ids: Sequence[str]) -> dict[str, Record]:
        """Return the records that exist, by id."""
        return self._index.get(ids)

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """Return the vectors of the records that exist, by id."""
        return self._index.vectors(ids)

    def ids(self) -> Iterator[str]:
        """Return an iterator over every record's id."""
        return self._index.ids()

    def count(self) -> int:
        """Return how many records there are now."""
        return self._index.count()

    def search(
        self, vector: Vectors, limit: int, where: Mapping[str, Any] | None = None
    ) -> list[Match]:
        """Return the nearest records, nearest first; `where` is a Chroma metadata filter."""
        return self._index.search(vector, limit, where)

    def close(self) -> None:
        """Close the connection."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    @property
    def _index(self) -> ServerIndex:
        if self._published is None or self.version == 0:
            raise NothingPublishedError(
                f"{self._collection} has no published version yet: load receipts, or wait for the "
                "first compaction"
            )
        if self._opened is None:
            self._opened = self._checked(self._open_index(), self._published)
        return self._opened

    @staticmethod
    def _checked(opened: ServerIndex, published: ServerVersion) -> ServerIndex:
        """Return the index if the manifest belongs to its collection.

        Otherwise, for example on another server, close it and raise SnapshotDamagedError.
        """
        try:
            check_identity(published, opened.collection_id)
        except BaseException:
            opened.close()
            raise
        return opened
