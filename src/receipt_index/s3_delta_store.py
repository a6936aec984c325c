"""Delta objects in S3."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from receipt_index.deltas import MAX_OBJECT_BYTES
from receipt_sync.errors import DeltaRefusedError
from receipt_sync.keys import Collection
from receipt_sync.messages import delta_key, is_ulid

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3DeltaStore:
    """A DeltaStore on S3.

    A missing object is a permanent error. S3 is strongly consistent, and a producer puts the object
    before it sends the message. Other errors are raised as botocore's own.
    """

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def read(self, key: str) -> bytes:
        """See `DeltaStore.read`."""
        try:
            got = self._client.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "NoSuchKey":
                raise DeltaRefusedError(
                    f"there is no object {key}: put a delta before its message is sent"
                ) from error
            raise
        if got["ContentLength"] > MAX_OBJECT_BYTES:
            raise DeltaRefusedError(
                f"{key} has {got['ContentLength']} bytes, more than {MAX_OBJECT_BYTES}: split it"
            )
        return got["Body"].read()

    def after(self, collection: Collection, after: str | None, most: int) -> list[str]:
        """See `compactor.scrub.ports.StoredDeltas.after`."""
        prefix = f"deltas/{collection}/"
        begin = delta_key(collection, after) if after else prefix
        found: list[str] = []
        while len(found) < most:
            listed = self._client.list_objects_v2(
                Bucket=self._bucket, Prefix=prefix, StartAfter=begin, MaxKeys=most - len(found)
            )
            keys = [entry["Key"] for entry in listed.get("Contents", [])]
            names = (key.removeprefix(prefix).removesuffix(".npz") for key in keys)
            # No delta message can name another object.
            found += [n for n in names if is_ulid(n) and delta_key(collection, n) in keys]
            if not listed.get("IsTruncated") or not keys:
                break
            begin = keys[-1]
        return found
