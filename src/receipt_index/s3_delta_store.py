"""Delta objects in S3."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from receipt_index.deltas import MAX_OBJECT_BYTES
from receipt_sync.errors import DeltaRefusedError

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
