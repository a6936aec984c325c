"""Access to the delta objects that dead letters name, and the restore of a deleted one."""

from typing import TYPE_CHECKING, Any

from receipt_index.deltas import VectorBatch, decode
from receipt_index.reader import Readers
from receipt_index.s3_delta_store import S3DeltaStore
from receipt_ops.loading.dimensions import dimension_of_one
from receipt_sync.keys import Collection
from receipt_sync.messages import Delta

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class BucketDeltas:
    """DeltaState of a bucket. It fetches a snapshot only when a caller asks for a dimension."""

    def __init__(self, client: "S3Client", bucket: str, readers: Readers) -> None:
        self._client, self._bucket, self._readers = client, bucket, readers
        self._store = S3DeltaStore(client, bucket)
        self._dimensions: dict[Collection, int | None] = {}

    def read(self, delta: Delta) -> VectorBatch:
        return decode(self._store.read(delta.delta_key), delta)

    def can_be_restored(self, delta: Delta) -> bool:
        return self._deletion_of(delta) is not None

    def restore(self, delta: Delta) -> bool:
        """Undo the object's deletion. Return False if there is no deletion that can be undone."""
        marker = self._deletion_of(delta)
        if marker is None:
            return False
        self._client.delete_object(Bucket=self._bucket, Key=delta.delta_key, VersionId=marker)
        return True

    def dimension(self, collection: Collection) -> int | None:
        if collection not in self._dimensions:
            self._dimensions[collection] = dimension_of_one(self._readers[collection])
        return self._dimensions[collection]

    def _deletion_of(self, delta: Delta) -> str | None:
        """Return the version id of the delete marker that hides an older version of the object."""
        listed: Any = self._client.list_object_versions(Bucket=self._bucket, Prefix=delta.delta_key)
        if not any(entry["Key"] == delta.delta_key for entry in listed.get("Versions", [])):
            return None
        for marker in listed.get("DeleteMarkers", []):
            if marker["Key"] == delta.delta_key and marker["IsLatest"]:
                return str(marker["VersionId"])
        return None
