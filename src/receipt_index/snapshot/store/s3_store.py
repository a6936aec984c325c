"""A snapshot in an S3 bucket, under snapshots/{collection}/."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from receipt_index.lost_answers import may_have_been_done, status_of
from receipt_index.snapshot.format.manifest import MAX_MANIFEST_BYTES
from receipt_index.snapshot.store.snapshot_store import Absent, FetchedManifest, NotModified
from receipt_sync.errors import (
    ObjectsNotDeletedError,
    PublishRefusedError,
    SnapshotDamagedError,
    SnapshotForbiddenError,
)
from receipt_sync.keys import Collection

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# 412: the condition does not hold, or the client's own retry met the result of its first try.
# 409: another conditional write was under way at the same time.
# 404: If-Match on a manifest that was deleted.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
_REFUSED = {409, 412, 404}
_DENIED = {"AccessDenied", "403", "KMS.AccessDeniedException"}
"""The codes of a missing permission. The code of an answer without a body is its status."""
_DELETE_LIMIT = 1000


class S3SnapshotStore:
    """A SnapshotStore on S3.

    Errors of S3 that no method names are raised as botocore's own errors.
    """

    def __init__(self, client: "S3Client", bucket: str, collection: Collection) -> None:
        self._client, self._bucket = client, bucket
        self._prefix = f"snapshots/{collection}/"

    def manifest(self, known_etag: str | None) -> FetchedManifest | NotModified | Absent:
        """See `SnapshotStore.manifest`."""
        condition: dict[str, Any] = {"IfNoneMatch": known_etag} if known_etag else {}
        try:
            got = self._client.get_object(Bucket=self._bucket, Key=self._manifest, **condition)
        except ClientError as error:
            if status_of(error) == 304:
                return NotModified()
            if _code(error) == "NoSuchKey":
                return Absent()
            raise _explained(error, self._manifest) from None
        data = _content(got, self._manifest, MAX_MANIFEST_BYTES)
        return FetchedManifest(data, got["ETag"])

    def swap_manifest(self, data: bytes, expected_etag: str | None) -> str:
        """See `SnapshotStore.swap_manifest`. A write without an answer counts if it took effect."""
        condition: dict[str, Any] = (
            {"IfMatch": expected_etag} if expected_etag else {"IfNoneMatch": "*"}
        )
        try:
            put = self._client.put_object(
                Bucket=self._bucket,
                Key=self._manifest,
                Body=data,
                ContentType="application/json",
                **condition,
            )
        except (BotoCoreError, ClientError) as error:
            refused = _is_refused(error)
            if refused or may_have_been_done(error):
                etag = self._etag_of(data)
                if etag is not None:
                    return etag
            if refused:
                raise PublishRefusedError(
                    f"{self._manifest} is no longer the version checked out"
                ) from error
            raise
        return put["ETag"]

    def _etag_of(self, data: bytes) -> str | None:
        """Return the manifest's tag if the manifest holds exactly these bytes, else None.

        A manifest names its writer, its time and all of its content. So equal bytes are the same
        version, whichever process wrote them.
        """
        got = self.manifest(None)
        return got.etag if isinstance(got, FetchedManifest) and got.data == data else None

    def holds_objects(self) -> bool:
        """See `SnapshotStore.holds_objects`."""
        listed = self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix, MaxKeys=2)
        return any(entry["Key"] != self._manifest for entry in listed.get("Contents", []))

    def read(self, name: str, at_most: int) -> bytes:
        """See `SnapshotStore.read`."""
        key = self._prefix + name
        try:
            got = self._client.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if _code(error) == "NoSuchKey":
                raise SnapshotDamagedError(f"{key} is gone") from error
            raise _explained(error, key) from None
        return _content(got, key, at_most)

    def write(self, name: str, data: bytes) -> None:
        """See `SnapshotStore.write`."""
        self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=data)

    def delete(self, names: Iterable[str]) -> None:
        """See `SnapshotStore.delete`."""
        kept: list[str] = []
        reasons: set[str] = set()
        keys = [{"Key": self._prefix + name} for name in names]
        for start in range(0, len(keys), _DELETE_LIMIT):
            some: Any = {"Objects": keys[start : start + _DELETE_LIMIT], "Quiet": True}
            for key, reason in self._not_deleted(some):
                kept.append(key.removeprefix(self._prefix))
                reasons.add(reason)
        if kept:
            raise ObjectsNotDeletedError(kept, ", ".join(sorted(reasons)))

    def _not_deleted(self, some: Any) -> list[tuple[str, str]]:
        """Delete at most a thousand objects; return the keys that may still exist, with reasons.

        If a call gets no answer, it is unknown which objects it deleted. Then all keys are
        returned.
        """
        try:
            answer = self._client.delete_objects(Bucket=self._bucket, Delete=some)
        except (BotoCoreError, ClientError) as error:
            reason = _code(error) if isinstance(error, ClientError) else type(error).__name__
            return [(entry["Key"], reason) for entry in some["Objects"]]
        errors = answer.get("Errors", [])
        return [(entry.get("Key", ""), entry.get("Code", "")) for entry in errors]

    @property
    def _manifest(self) -> str:
        return self._prefix + "manifest.json"


def _content(got: Any, key: str, at_most: int) -> bytes:
    """Return the body of an object.

    Raises SnapshotDamagedError if the body is longer than a sound object can be.
    """
    if got["ContentLength"] > at_most:
        got["Body"].close()
        raise SnapshotDamagedError(
            f"{key} has {got['ContentLength']} bytes, but at most {at_most} are allowed"
        )
    content: bytes = got["Body"].read()
    return content


def _is_refused(error: BotoCoreError | ClientError) -> bool:
    """Return whether S3 answered that the condition of a write does not hold."""
    if not isinstance(error, ClientError) or _code(error) == "NoSuchBucket":
        return False
    return status_of(error) in _REFUSED


def _explained(error: ClientError, key: str) -> Exception:
    """Return the error to raise for a read that S3 refused.

    Status 403 also has other codes, for example for credentials that S3 does not know.
    """
    if status_of(error) != HTTPStatus.FORBIDDEN or _code(error) not in _DENIED:
        return error
    return SnapshotForbiddenError(
        f"S3 refuses to read {key}: the role needs s3:GetObject on it, Decrypt with the bucket's "
        "key, and s3:ListBucket on the bucket, without which S3 answers 403 for an object that is "
        "not there"
    )


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")
