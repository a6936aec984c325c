"""Opens the published version of a collection, follows it, and searches it.

A refresh brings the mirror to the new version, opens and warms it, and only then swaps: a search
sees one version or the other, never a half of each, and never waits for a fetch.
"""

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from compactor.deltas import Vectors
from compactor.index import ChromaIndex, Match, Record
from compactor.snapshot.manifest import Manifest
from compactor.snapshot.room import full_disk_explained
from compactor.snapshot.slots import Slot, claim_slot
from compactor.snapshot.store import SnapshotStore
from compactor.snapshot.turns import Turns
from receipt_sync.clock import Clock, SystemClock
from receipt_sync.errors import ForkedError, ReaderClosedError, SyncError
from receipt_sync.keys import Collection


class NothingPublishedError(SyncError):
    """The collection has no published version yet."""


@dataclass(frozen=True)
class _Serving:
    """An open copy of one version."""

    index: ChromaIndex
    manifest: Manifest


@dataclass(frozen=True)
class _Place:
    """Where the copies lie. Only the process that claimed it may use it."""

    slot: Slot
    turns: Turns
    process: int


class SnapshotReader:
    """A read-only view of one collection. Safe for several threads of one process.

    `root` may be kept between processes: what an earlier one fetched is checked and used. Several
    readers may share a root; each takes a folder of its own below it, with two copies of the
    snapshot. The folder is taken at the first refresh, so a reader may be made before a fork, and
    used after it by the process that refreshes it first.
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
        self._closed = False

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
        """The version served; 0 while nothing is published."""
        serving = self._serving
        return serving.manifest.version if serving else 0

    @property
    def is_fixed(self) -> bool:
        """Return True: one version is served until the next refresh."""
        return True

    @property
    def published_at(self) -> datetime | None:
        """When the version served was published."""
        serving = self._serving
        return serving.manifest.published_at if serving else None

    @property
    def elements(self) -> int:
        """Elements of the graph of the version served, deleted ones among them."""
        serving = self._serving
        return serving.manifest.elements if serving else 0

    def refresh(self) -> bool:
        """Follow the published version; True if a newer one is served from now on.

        Raises SnapshotDamagedError if it can't be read, is gone, or is a lower version; and
        WorkspaceFullError if the disk can't hold it. What was served before stays, and what was
        fetched is kept. Raises ReaderClosedError and ForkedError.
        """
        self._check_process()
        with self._refreshing:
            turns = self._claimed().turns
            with full_disk_explained(self._root):
                manifest = turns.follow()
                if manifest is None or manifest.version == 0 or self._is_served(manifest):
                    return False
                self._serve(manifest, turns)
            return True

    def get(self, ids: Sequence[str]) -> dict[str, Record]:
        """The records that exist, by id."""
        with self._used() as index:
            return index.get(ids)

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """The vectors of the records that exist, by id."""
        with self._used() as index:
            return index.vectors(ids)

    def ids(self) -> Iterator[str]:
        """Every record's id. Don't refresh while iterating."""
        self._check_process()
        return self._index().ids()

    def count(self) -> int:
        """How many records the version served has."""
        with self._used() as index:
            return index.count()

    def search(
        self, vector: Vectors, limit: int, where: Mapping[str, Any] | None = None
    ) -> list[Match]:
        """The nearest records, nearest first; `where` is a Chroma metadata filter."""
        with self._used() as index:
            return index.search(vector, limit, where)

    def close(self, *, keep: bool = False) -> None:
        """Let go of the files, and remove what this reader made below its root.

        With `keep` they stay for the next process, which then need not fetch them again. In a
        process that was forked this does nothing: the files are those of its parent.
        """
        if self._is_foreign():
            return
        with self._refreshing:
            self._closed = True
            with self._using:
                serving, self._serving = self._serving, None
            place, self._place = self._place, None
            try:
                if serving is not None:
                    serving.index.close()
            finally:
                if place is not None:
                    place.slot.release(remove=not keep)

    @contextmanager
    def _used(self) -> Iterator[ChromaIndex]:
        """The index that is served, which is not closed while it is used."""
        self._check_process()
        with self._using:
            yield self._index()

    def _index(self) -> ChromaIndex:
        if self._closed:
            raise ReaderClosedError(f"the reader of {self._collection} is closed: open another")
        if self._serving is None:
            raise NothingPublishedError(
                f"{self._collection} has no published version yet: load receipts, or wait for the "
                "first compaction"
            )
        return self._serving.index

    def _claimed(self) -> _Place:
        if self._closed:
            raise ReaderClosedError(f"the reader of {self._collection} is closed: open another")
        if self._place is None:
            slot = claim_slot(self._root)
            turns = Turns(self._store, self._collection, slot.folder, self._clock)
            self._place = _Place(slot, turns, os.getpid())
        return self._place

    def _is_served(self, manifest: Manifest) -> bool:
        return self._serving is not None and self._serving.manifest == manifest

    def _serve(self, manifest: Manifest, turns: Turns) -> None:
        serving = _Serving(turns.open(self._opened), manifest)
        with self._using:
            old, self._serving = self._serving, serving
        turns.swapped(old.index if old else None)

    def _opened(self, folder: Path) -> ChromaIndex:
        index = ChromaIndex(folder, self._collection)
        try:
            index.warm_up()
        except BaseException:
            index.close()
            raise
        return index

    def _is_foreign(self) -> bool:
        return self._place is not None and self._place.process != os.getpid()

    def _check_process(self) -> None:
        if self._is_foreign():
            raise ForkedError(
                f"the reader of {self._collection} was opened before this process was forked: open "
                "a reader in each process, with gunicorn in post_fork"
            )
