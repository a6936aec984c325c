"""The published versions of a collection that the bucket still holds as object versions."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from receipt_index.snapshot.format.manifest import read_manifest
from receipt_ops.snapshots.kept_versions import Entry, KeptVersion, Page
from receipt_sync.errors import SnapshotDamagedError
from receipt_sync.keys import Collection

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_THREADS: Final = 8
_AT_A_TIME: Final = 32


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
