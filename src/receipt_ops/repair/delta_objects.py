"""Access to the delta objects of the bucket."""

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from receipt_index.deltas import DeltaStore, VectorBatch, decode
from receipt_index.s3_delta_store import S3DeltaStore
from receipt_ops.errors import FetchFailedError
from receipt_ops.repair.delta_index import StoredDelta
from receipt_ops.repair.outline import Outline, read_outline
from receipt_ops.repair.ranged import RangedFile
from receipt_sync.errors import DeltaRefusedError
from receipt_sync.keys import Collection
from receipt_sync.messages import Delta, delta_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_NAME: Final = re.compile(r"([0-7][0-9A-HJKMNP-TV-Z]{25})\.npz")
"""The name of a delta object: a ULID. No delta message can name another object."""


class S3DeltaObjects:
    """Lists and reads the delta objects of a bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client, self._bucket = client, bucket
        self._store: DeltaStore = S3DeltaStore(client, bucket)

    def listed(self, collection: Collection, after: str = "") -> Iterator[StoredDelta]:
        """Yield every delta of a collection that is newer than `after`, oldest first.

        S3 lists keys in order, and ULIDs sort by the time of their creation. The function skips
        an object whose name is not a ULID, because no delta message can name it.
        """
        prefix = f"deltas/{collection}/"
        begin = {"StartAfter": delta_key(collection, after)} if after else {}
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._bucket, Prefix=prefix, **begin):  # type: ignore[arg-type]
            for entry in page.get("Contents", []):
                name = _NAME.fullmatch(entry["Key"].removeprefix(prefix))
                if name:
                    yield StoredDelta(name[1], entry["Size"])

    def outline(self, collection: Collection, delta: StoredDelta) -> Outline:
        """Return a delta's ids and dimension.

        Raises DeltaRefusedError if it is gone or broken. Raises FetchFailedError and the errors of
        botocore.
        """
        key = delta_key(collection, delta.id)
        file: Any = RangedFile(delta.size, lambda start, end: self._fetched(key, start, end))
        return read_outline(file)

    def read(self, collection: Collection, delta_id: str) -> VectorBatch:
        """Return the content of a delta. Raises DeltaRefusedError if it is gone or unreadable."""
        data = self._store.read(delta_key(collection, delta_id))
        vectors = len(read_outline(io.BytesIO(data)).ids)
        if not vectors:
            raise DeltaRefusedError(
                f"the delta {delta_key(collection, delta_id)} holds no vector, and a delta must "
                "hold at least one: send it again with its vectors"
            )
        return decode(data, Delta.of(collection, delta_id, vectors))

    def _fetched(self, key: str, start: int, end: int) -> bytes:
        # zipfile would report a time-out of botocore, which is an OSError, as a broken archive.
        try:
            return self._range(key, start, end)
        except OSError as error:
            raise FetchFailedError(
                f"{key} could not be fetched ({type(error).__name__}): run the command again"
            ) from error

    def _range(self, key: str, start: int, end: int) -> bytes:
        try:
            got = self._client.get_object(
                Bucket=self._bucket, Key=key, Range=f"bytes={start}-{end - 1}"
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in ("NoSuchKey", "InvalidRange"):
                raise DeltaRefusedError(
                    f"the delta {key} was deleted, or replaced by a shorter object: "
                    "its producer must send it again"
                ) from error
            raise
        return got["Body"].read()
