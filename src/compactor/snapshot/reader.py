"""Opens the published version of a collection, follows it, and searches it.

A refresh lays the new packs over the mirror, brings the folder that was served before the present
one to what the mirror holds, opens that, and only then swaps: a search sees one version or the
other, never a half of each. As two folders take turns, a refresh copies what changed in two
versions, and not the snapshot.
"""

import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from compactor.deltas import Vectors
from compactor.index import ChromaIndex, Match, Record
from compactor.snapshot.manifest import Manifest
from compactor.snapshot.mirror import Mirror
from compactor.snapshot.store import SnapshotStore
from compactor.snapshot.synchronise import synchronise
from receipt_sync.errors import SyncError
from receipt_sync.keys import Collection


class NothingPublishedError(SyncError):
    """The collection has no published version yet."""


@dataclass(frozen=True)
class _Serving:
    """An open copy of one version."""

    index: ChromaIndex
    folder: Path
    manifest: Manifest


class SnapshotReader:
    """A read-only view of one collection. Safe for several threads."""

    def __init__(self, store: SnapshotStore, collection: Collection, root: Path) -> None:
        self._collection, self._root = collection, root
        self._mirror = Mirror(store, collection, root / "mirror")
        self._spare = root / "serving-1"
        self._lock = threading.Lock()
        self._serving: _Serving | None = None

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
        return self._serving.manifest.version if self._serving else 0

    @property
    def is_fixed(self) -> bool:
        """Return True: one version is served until the next refresh."""
        return True

    @property
    def published_at(self) -> datetime | None:
        """When the version served was published."""
        return self._serving.manifest.published_at if self._serving else None

    def refresh(self) -> bool:
        """Follow the published version; True if a newer one is served from now on.

        Raises SnapshotDamagedError if it can't be read; what was served before stays.
        """
        with self._lock:
            self._mirror.refresh()
            manifest = self._mirror.manifest
            # Not "moved": a version that was fetched may have failed to open the time before.
            if (
                manifest is None
                or manifest.version == 0
                or (self._serving and self._serving.manifest is manifest)
            ):
                return False
            self._swap(self._open(manifest))
            return True

    def get(self, ids: Sequence[str]) -> dict[str, Record]:
        """The records that exist, by id."""
        with self._lock:
            return self._index.get(ids)

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """The vectors of the records that exist, by id."""
        with self._lock:
            return self._index.vectors(ids)

    def ids(self) -> Iterator[str]:
        """Every record's id. Don't refresh while iterating."""
        return self._index.ids()

    def count(self) -> int:
        """How many records the version served has."""
        with self._lock:
            return self._index.count()

    def search(
        self, vector: Vectors, limit: int, where: Mapping[str, Any] | None = None
    ) -> list[Match]:
        """The nearest records, nearest first; `where` is a Chroma metadata filter."""
        with self._lock:
            return self._index.search(vector, limit, where)

    def close(self) -> None:
        """Let go of the files and remove them."""
        with self._lock:
            if self._serving is not None:
                self._serving.index.close()
                self._serving = None
            shutil.rmtree(self._root, ignore_errors=True)

    @property
    def _index(self) -> ChromaIndex:
        if self._serving is None:
            raise NothingPublishedError(
                f"{self._collection} has no published version yet: load receipts, or wait for the "
                "first compaction"
            )
        return self._serving.index

    def _open(self, manifest: Manifest) -> _Serving:
        folder = self._spare
        folder.mkdir(parents=True, exist_ok=True)
        try:
            synchronise(self._mirror.folder, folder)
            return _Serving(ChromaIndex(folder, self._collection), folder, manifest)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _swap(self, serving: _Serving) -> None:
        old, self._serving = self._serving, serving
        if old is None:
            self._spare = self._root / "serving-2"
        else:
            old.index.close()
            self._spare = old.folder
