"""The published versions of a collection that the bucket still has, from its object versions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from compactor.snapshot.manifest import Manifest, read_manifest
from compactor.snapshot.shelf import Shelf
from compactor.snapshot.store import Absent, FetchedManifest, NotModified, SnapshotStore
from receipt_sync.errors import SnapshotDamagedError
from receipt_sync.keys import Collection

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class KeptVersion:
    """One version of the manifest object. `manifest` is None if it can't be read."""

    version_id: str
    data: bytes
    manifest: Manifest | None


class ManifestHistory:
    """The versions of one collection's manifest, newest first."""

    def __init__(self, client: "S3Client", bucket: str, collection: Collection) -> None:
        self._client, self._bucket, self._collection = client, bucket, collection
        self._key = f"snapshots/{collection}/manifest.json"

    def __iter__(self) -> Iterator[KeptVersion]:
        pages = self._client.get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=self._bucket, Prefix=self._key):
            for entry in page.get("Versions", []):
                if entry["Key"] == self._key:
                    kept = self._read(entry["VersionId"])
                    if kept is not None:
                        yield kept

    def _read(self, version_id: str) -> KeptVersion | None:
        try:
            got: Any = self._client.get_object(
                Bucket=self._bucket, Key=self._key, VersionId=version_id
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in ("NoSuchVersion", "NoSuchKey"):
                return None  # its time was over between the listing and now
            raise
        data = got["Body"].read()
        try:
            manifest = read_manifest(data, self._collection)
        except SnapshotDamagedError:
            manifest = None
        return KeptVersion(version_id, data, manifest)


def whole(
    versions: Iterable[KeptVersion], store: SnapshotStore
) -> list[tuple[KeptVersion, Manifest]]:
    """Those of the versions, newest first, whose every object is still kept.

    The newest manifest says which objects are: what it needs, and what it retired.
    """
    readable = [(kept, kept.manifest) for kept in versions if kept.manifest is not None]
    if not readable:
        return []
    newest = readable[0][1]
    shelf = Shelf(store)
    present = newest.objects.union(*map(shelf.objects, newest.retired))
    return [(kept, manifest) for kept, manifest in readable if manifest.objects <= present]


class FrozenStore:
    """A SnapshotStore that stands still at one version, for a reader of the past."""

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
        raise AssertionError("the past is not published to")

    def write(self, name: str, data: bytes) -> None:  # noqa: ARG002
        raise AssertionError("the past is not written to")

    def delete(self, names: Iterable[str]) -> None:  # noqa: ARG002
        raise AssertionError("the past is not deleted from")
