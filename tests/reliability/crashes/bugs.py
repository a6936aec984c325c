"""Bugs to plant in a worker, to check that a campaign finds them."""

from typing import Any, Final

from compactor.cycle import plan
from receipt_index.snapshot.store.s3_store import S3SnapshotStore

ACKNOWLEDGE_FIRST: Final = "acknowledge before publish"
UNCONDITIONAL: Final = "manifest written without its condition"
KEEP_VECTORS: Final = "a record keeps its first vector"


def plant(bug: str | None) -> bool:
    """Plant a bug in the product. Return whether the worker's own loop must acknowledge first."""
    if bug == UNCONDITIONAL:
        S3SnapshotStore.swap_manifest = _overwrite  # type: ignore[method-assign]
    if bug == KEEP_VECTORS:
        plan._is_newer = lambda _, record: record is None  # type: ignore[assignment]
    return bug == ACKNOWLEDGE_FIRST


def _overwrite(self: Any, data: bytes, expected_etag: str | None) -> str:
    put = self._client.put_object(Bucket=self._bucket, Key=self._manifest, Body=data)
    etag: str = put["ETag"]
    return etag
