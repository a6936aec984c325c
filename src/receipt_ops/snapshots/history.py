"""The published versions of a collection that the bucket still holds as object versions."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from botocore.exceptions import ClientError

from receipt_index.snapshot.format.manifest import Manifest, read_manifest
from receipt_index.snapshot.store.snapshot_store import (
    Absent,
    FetchedManifest,
    NotModified,
    SnapshotStore,
)
from receipt_sync.errors import SnapshotDamagedError
from receipt_sync.keys import Collection

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_THREADS: Final = 8
_AT_A_TIME: Final = 32


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


class ManifestHistory:
    """The versions of one collection's manifest, newest first.

    A busy system stores 43,000 versions a day. So this class lists them without their content, and
    reads only those that a caller needs, several at a time.
    """

    def __init__(self, client: "S3Client", bucket: str, collection: Collection) -> None:
        self._client, self._bucket, self.collection = client, bucket, collection
        self._key = f"snapshots/{collection}/manifest.json"

    def __iter__(self) -> Iterator[KeptVersion]:
        return self.read(entry for page in self.pages() for entry in page.entries)

    def pages(self) -> Iterator[Page]:
        """Yield the pages of kept versions. Raises the errors of botocore."""
        pages = self._client.get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=self._bucket, Prefix=self._key):
            entries = [
                Entry(entry["VersionId"], entry["LastModified"])
                for entry in page.get("Versions", [])
                if entry["Key"] == self._key
            ]
            deleted = any(one["Key"] == self._key for one in page.get("DeleteMarkers", []))
            yield Page(entries, deleted)

    def read(self, entries: Iterable[Entry]) -> Iterator[KeptVersion]:
        """Yield the content of entries in their order, without those that are gone by now."""
        left = iter(entries)
        with ThreadPoolExecutor(_THREADS) as pool:
            while some := list(islice(left, _AT_A_TIME)):
                yield from (kept for kept in pool.map(self.read_one, some) if kept is not None)

    def read_one(self, entry: Entry) -> KeptVersion | None:
        """Return the content of an entry; None if S3 has deleted it after the listing."""
        try:
            got: Any = self._client.get_object(
                Bucket=self._bucket, Key=self._key, VersionId=entry.version_id
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in ("NoSuchVersion", "NoSuchKey"):
                return None
            raise
        data = got["Body"].read()
        try:
            manifest = read_manifest(data, self.collection)
        except SnapshotDamagedError:
            manifest = None
        return KeptVersion(entry.version_id, data, manifest)


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
