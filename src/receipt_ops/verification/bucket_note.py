"""The note about the last comparison in S3."""

import json
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from receipt_ops.verification.last_comparison import LastComparison

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY: Final = "operations/last-comparison.json"
_MOST_BYTES: Final = 64 * 1024
"""More than any note holds."""


class BucketNote:
    """The note of the last comparison, in the snapshots' bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def read(self) -> LastComparison | None:
        """Return the last comparison; None if there is none.

        Raises NoteDamagedError, and the errors of botocore.
        """
        try:
            got = self._client.get_object(Bucket=self._bucket, Key=KEY)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "NoSuchKey":
                return None
            raise
        return LastComparison.read(got["Body"].read(_MOST_BYTES))

    def write(self, comparison: LastComparison) -> None:
        """Replace the note. Raises the errors of botocore."""
        body = json.dumps(comparison.to_json()).encode()
        self._client.put_object(
            Bucket=self._bucket, Key=KEY, Body=body, ContentType="application/json"
        )
