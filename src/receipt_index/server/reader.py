"""A reader of a collection on a Chroma server, for operators and searches.

Unlike a snapshot, the collection may change between two calls. The version only shows when a whole
cycle was last applied.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from receipt_index.clients import s3_client
from receipt_index.deltas import Vectors
from receipt_index.following import Following, follow
from receipt_index.records import Match, Record
from receipt_index.server.index import ServerIndex, ServerIndexes
from receipt_index.server.target import VersionStore
from receipt_index.server.version import ServerVersion, check_identity, read_version
from receipt_index.snapshot.reading.reader import NothingPublishedError
from receipt_index.snapshot.store.s3_store import S3SnapshotStore
from receipt_index.snapshot.store.snapshot_store import FetchedManifest
from receipt_sync.errors import ReaderClosedError, SettingsError
from receipt_sync.keys import Collection
from receipt_sync.settings import ChromaSettings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class ServerReader:
    """A reader with the methods of SnapshotReader, which reads from the server.

    Safe for several threads.
    """

    def __init__(
        self, store: VersionStore, collection: Collection, open_index: Callable[[], ServerIndex]
    ) -> None:
        self._store, self._collection, self._open_index = store, collection, open_index
        self._opened: ServerIndex | None = None
        self._etag: str | None = None
        self._published: ServerVersion | None = None
        self._following: Following | None = None
        self._refreshing, self._changing = threading.Lock(), threading.Lock()
        self._closed = False

    @classmethod
    def open(
        cls,
        collection: Collection | str,
        *,
        bucket: str,
        settings: ChromaSettings | None = None,
        s3: "S3Client | None" = None,
    ) -> Self:
        """Return a reader of a collection on the Chroma server of `settings`.

        `bucket` holds the manifest that names the published version. Without `settings`, the
        environment names the server (CHROMA_TARGET=http or cloud). Without `s3`, the reader makes a
        client for the region, credentials and endpoint of the environment. The reader calls nothing
        before the first `refresh`. Raises SettingsError, and ValueError for an unknown collection.
        """
        collection = Collection(collection)
        settings = ChromaSettings.read() if settings is None else settings
        if settings.chroma_target == "local":
            raise SettingsError(
                "environment variable CHROMA_TARGET is local, which names no server: set it to "
                "http or cloud, or open a SnapshotReader"
            )
        indexes = ServerIndexes(settings)
        store = S3SnapshotStore(s3 or s3_client(), bucket, collection)
        return cls(store, collection, lambda: indexes.open(collection, create=False))

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
    def search_is_exact(self) -> bool:
        """Return False: the server searches its own graph."""
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
        Raises ReaderClosedError.
        """
        with self._refreshing:
            self._check_open()
            got = self._store.manifest(self._etag)
            if not isinstance(got, FetchedManifest):
                return False
            published = read_version(got.data, self._collection)
            with self._changing:
                before = self.version
                if self._opened is not None:
                    check_identity(published, self._opened.collection_id)
                self._published, self._etag = published, got.etag
            return published.version != before

    def follow(self, interval: float) -> Following:
        """Refresh in the background, at once and then every `interval` seconds.

        An error of a refresh does not end it, see `Following`. `close` ends it. Raises
        AlreadyFollowedError and ReaderClosedError.
        """
        self._check_open()
        self._following = follow(self.refresh, interval, self._collection, self._following)
        return self._following

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

    def dimension(self) -> int | None:
        """Return the dimension of the vectors; None before the first vector."""
        return self._index.dimension()

    def search(
        self, vector: Vectors, limit: int, where: Mapping[str, Any] | None = None
    ) -> list[Match]:
        """Return the nearest records, nearest first; `where` is a Chroma metadata filter."""
        return self._index.search(vector, limit, where)

    def close(self, *, keep: bool = False) -> None:  # noqa: ARG002 as SnapshotReader.close
        """Close the connection. `keep` changes nothing, because there are no files."""
        if self._following is not None:
            self._following.stop()
        with self._changing:
            self._closed = True
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    @property
    def _index(self) -> ServerIndex:
        with self._changing:
            self._check_open()
            if self._published is None or self.version == 0:
                raise NothingPublishedError(
                    f"{self._collection} has no published version yet: load receipts, or wait for "
                    "the first compaction"
                )
            if self._opened is None:
                self._opened = self._checked(self._open_index(), self._published)
            return self._opened

    def _check_open(self) -> None:
        if self._closed:
            raise ReaderClosedError(f"the reader of {self._collection} is closed: open another")

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
