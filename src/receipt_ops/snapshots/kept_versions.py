"""The manifests that the bucket keeps as object versions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from receipt_index.snapshot.format.manifest import Manifest
from receipt_index.snapshot.store.snapshot_store import (
    Absent,
    FetchedManifest,
    NotModified,
    SnapshotStore,
)
from receipt_sync.keys import Collection


class Entry(NamedTuple):
    """A listed version of the manifest object. Its content is not read yet."""

    version_id: str
    stored_at: datetime
    """The storage time by the clock of S3."""


class Page(NamedTuple):
    """Up to a thousand entries, newest first, and whether the page holds a delete marker."""

    entries: list[Entry]
    has_deletions: bool


@dataclass(frozen=True)
class KeptVersion:
    """Holds one version of the manifest object. `manifest` is None if it is unreadable."""

    version_id: str
    data: bytes
    manifest: Manifest | None


class History(Protocol):
    """The versions of one collection's manifest, newest first."""

    @property
    def collection(self) -> Collection: ...

    def pages(self) -> Iterator[Page]:
        """Yield the pages of kept versions."""
        ...

    def read(self, entries: Iterable[Entry]) -> Iterator[KeptVersion]:
        """Yield the content of entries in their order, without those that are gone by now."""
        ...

    def read_one(self, entry: Entry) -> KeptVersion | None:
        """Return the content of an entry; None if it is gone."""
        ...


class FrozenStore:
    """A read-only SnapshotStore that always shows one version."""

    def __init__(self, store: SnapshotStore, kept: KeptVersion) -> None:
        self._store, self._kept = store, kept

    def manifest(self, known_etag: str | None) -> FetchedManifest | NotModified | Absent:
        if known_etag == self._kept.version_id:
            return NotModified()
        return FetchedManifest(self._kept.data, self._kept.version_id)

    def holds_objects(self) -> bool:
        return True

    def read(self, name: str, at_most: int) -> bytes:
        return self._store.read(name, at_most)

    def swap_manifest(self, data: bytes, expected_etag: str | None) -> str:  # noqa: ARG002
        raise AssertionError("a frozen store is read-only, so nothing can be published to it")

    def write(self, name: str, data: bytes) -> None:  # noqa: ARG002
        raise AssertionError("a frozen store is read-only, so nothing can be written to it")

    def delete(self, names: Iterable[str]) -> None:  # noqa: ARG002
        raise AssertionError("a frozen store is read-only, so nothing can be deleted from it")
