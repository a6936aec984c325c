"""A reader that opens the published version of a collection, follows it, and searches it.

A refresh brings the mirror to the new version, opens it and warms it up. Only then does the new
version replace the old one. So a search uses exactly one version, and never waits for a fetch.
"""

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from receipt_index.chroma import ChromaIndex
from receipt_index.clients import s3_client
from receipt_index.deltas import Vectors
from receipt_index.following import Following, follow
from receipt_index.records import Match, Record
from receipt_index.snapshot.copies.room import full_disk_explained
from receipt_index.snapshot.format.manifest import Manifest, lost_manifest
from receipt_index.snapshot.reading.open_copy import OpenCopy
from receipt_index.snapshot.reading.slots import Slot, claim_slot
from receipt_index.snapshot.reading.turns import Turns
from receipt_index.snapshot.store.s3_store import S3SnapshotStore
from receipt_index.snapshot.store.snapshot_store import SnapshotStore
from receipt_sync.clock import Clock, SystemClock
from receipt_sync.errors import ForkedError, ReaderClosedError, SyncError
from receipt_sync.keys import Collection

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class NothingPublishedError(SyncError):
    """The error of a reader whose collection has no published version yet."""


@dataclass(frozen=True)
class _Serving:
    """An open copy of one version."""

    copy: OpenCopy[ChromaIndex]
    manifest: Manifest

    @property
    def index(self) -> ChromaIndex:
        """Return Chroma's index."""
        return self.copy.index


@dataclass(frozen=True)
class _Place:
    """The folder that holds the copies. Only the process that claimed it may use it."""

    slot: Slot
    turns: Turns
    process: int


class SnapshotReader:
    """A read-only view of one collection. Safe for several threads of one process.

    `root` may be kept between processes. The next process checks what an earlier one fetched, and
    uses it. Several readers may share a root. Each takes a folder of its own below it, with two
    copies of the snapshot. A reader takes its folder at the first refresh. So a reader may be made
    before a fork. Then the process that refreshes it first may use it.
    """

    def __init__(
        self,
        store: SnapshotStore,
        collection: Collection,
        root: Path,
        clock: Clock | None = None,
    ) -> None:
        self._store, self._collection, self._root = store, collection, root
        self._clock = clock or SystemClock()
        self._refreshing, self._using = threading.Lock(), threading.Lock()
        self._place: _Place | None = None
        self._serving: _Serving | None = None
        self._following: Following | None = None
        self._closed = False

    @classmethod
    def open(
        cls,
        collection: Collection | str,
        *,
        bucket: str,
        folder: Path | str,
        s3: "S3Client | None" = None,
    ) -> Self:
        """Return a reader of a collection that is published in `bucket`.

        The reader fetches nothing before the first `refresh`. It keeps its copies below `folder`,
        which programs and collections may share. Without `s3`, it makes a client for the region,
        credentials and endpoint of the environment. Raises ValueError for an unknown collection.
        """
        collection = Collection(collection)
        store = S3SnapshotStore(s3 or s3_client(), bucket, collection)
        return cls(store, collection, Path(folder) / collection)

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
        """Return the version that is served; 0 while nothing is published."""
        serving = self._serving
        return serving.manifest.version if serving else 0

    @property
    def is_fixed(self) -> bool:
        """Return True: the reader serves one version until the next refresh."""
        return True

    @property
    def published_at(self) -> datetime | None:
        """Return when the served version was published; None while nothing is published."""
        serving = self._serving
        return serving.manifest.published_at if serving else None

    @property
    def elements(self) -> int:
        """Return the number of elements of the served version's graph, deleted ones included."""
        serving = self._serving
        return serving.manifest.elements if serving else 0

    @property
    def search_is_exact(self) -> bool:
        """Return whether a search finds exactly the nearest records.

        False means that Chroma's graph is searched, which misses some. The served version is then
        larger than the size up to which an exact search is faster, or has no files for it: an
        earlier version of this software published it.
        """
        serving = self._serving
        return serving is not None and serving.copy.is_exact

    def refresh(self) -> bool:
        """Follow the published version; return True if a newer one is served from now on.

        Raises SnapshotDamagedError if the published version can't be read, is gone, or has a lower
        number. Raises WorkspaceFullError if the disk can't hold it. After both errors, the reader
        serves the same version as before, and what was fetched is kept. Raises ReaderClosedError
        and ForkedError.
        """
        self._check_process()
        with self._refreshing:
            turns = self._claimed().turns
            with full_disk_explained(self._root):
                manifest = self._published(turns)
                if manifest is None or manifest.version == 0 or self._is_served(manifest):
                    return False
                self._serve(manifest, turns)
            return True

    def follow(self, interval: float) -> Following:
        """Refresh in the background, at once and then every `interval` seconds.

        An error of a refresh does not end it, see `Following`. `close` ends it. Raises
        AlreadyFollowedError, and ReaderClosedError and ForkedError like `refresh`.
        """
        self._check_process()
        if self._closed:
            raise self._closed_error()
        self._following = follow(self.refresh, interval, self._collection, self._following)
        return self._following

    def get(self, ids: Sequence[str]) -> dict[str, Record]:
        """Return the records that exist, by id."""
        with self._used() as copy:
            return copy.index.get(ids)

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """Return the vectors of the records that exist, by id."""
        with self._used() as copy:
            return copy.index.vectors(ids)

    def ids(self) -> Iterator[str]:
        """Return an iterator over every record's id. A refresh while it runs ends it with an error.

        With `follow`, take the ids before it starts, or open a reader for this purpose.
        """
        self._check_process()
        return self._open_copy().index.ids()

    def count(self) -> int:
        """Return how many records the served version has."""
        with self._used() as copy:
            return copy.index.count()

    def dimension(self) -> int | None:
        """Return the dimension of the vectors; None before the first vector."""
        with self._used() as copy:
            return copy.index.dimension()

    def search(
        self, vector: Vectors, limit: int, where: Mapping[str, Any] | None = None
    ) -> list[Match]:
        """Return the nearest records, nearest first; `where` is a Chroma metadata filter."""
        with self._used() as copy:
            return copy.search(vector, limit, where)

    def close(self, *, keep: bool = False) -> None:
        """Close the files, and remove what this reader made below its root.

        With `keep`, the files stay, and the next process need not fetch them again. In a forked
        process this does nothing, because the files belong to its parent.
        """
        if self._is_foreign():
            return
        if self._following is not None:
            self._following.stop()
        with self._refreshing:
            self._closed = True
            with self._using:
                serving, self._serving = self._serving, None
            place, self._place = self._place, None
            try:
                if serving is not None:
                    serving.copy.close()
            finally:
                if place is not None:
                    place.slot.release(remove=not keep)

    @contextmanager
    def _used(self) -> Iterator[OpenCopy[ChromaIndex]]:
        """Yield the copy that is served. It is not closed while it is used."""
        self._check_process()
        with self._using:
            yield self._open_copy()

    def _open_copy(self) -> OpenCopy[ChromaIndex]:
        if self._closed:
            raise self._closed_error()
        if self._serving is None:
            raise NothingPublishedError(
                f"{self._collection} has no published version yet: load receipts, or wait for the "
                "first compaction"
            )
        return self._serving.copy

    def _closed_error(self) -> ReaderClosedError:
        return ReaderClosedError(f"the reader of {self._collection} is closed: open another")

    def _claimed(self) -> _Place:
        if self._closed:
            raise self._closed_error()
        if self._place is None:
            slot = claim_slot(self._root)
            turns = Turns(self._store, self._collection, slot.folder, self._clock)
            self._place = _Place(slot, turns, os.getpid())
        return self._place

    def _published(self, turns: Turns) -> Manifest | None:
        """Return what is published; None before the first publish.

        Raises SnapshotDamagedError if the manifest is lost.
        """
        manifest = turns.follow()
        if manifest is None and self._store.holds_objects():
            # The manifest is written before the first object, so it may exist by now.
            manifest = turns.follow()
            if manifest is None:
                raise lost_manifest(self._collection)
        return manifest

    def _is_served(self, manifest: Manifest) -> bool:
        return self._serving is not None and self._serving.manifest == manifest

    def _serve(self, manifest: Manifest, turns: Turns) -> None:
        serving = _Serving(turns.open(self._opened), manifest)
        with self._using:
            old, self._serving = self._serving, serving
        turns.swapped(old.copy if old else None)

    def _opened(self, folder: Path) -> OpenCopy[ChromaIndex]:
        return OpenCopy(ChromaIndex(folder, self._collection), folder, self._collection)

    def _is_foreign(self) -> bool:
        return self._place is not None and self._place.process != os.getpid()

    def _check_process(self) -> None:
        if self._is_foreign():
            raise ForkedError(
                f"the reader of {self._collection} was opened before this process was forked: open "
                "a reader in each process, with gunicorn in post_fork"
            )
