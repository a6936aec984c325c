"""Finds vectors again in the delta objects that the bucket still keeps."""

import io
import zipfile
from collections.abc import Collection as Group
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from ulid import ULID

from compactor.delta_store import S3DeltaStore
from compactor.deltas import DeltaStore, VectorBatch, decode
from receipt_sync.errors import DeltaRefusedError
from receipt_sync.keys import Collection
from receipt_sync.messages import Delta, delta_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_SUFFIX: Final = ".npz"


class DeltaObjects(Protocol):
    """The delta objects of a collection."""

    def newest_first(self, collection: Collection) -> Iterator[str]:
        """Their ids; a ULID's order is that of its making."""
        ...

    def read(self, collection: Collection, delta_id: str) -> VectorBatch:
        """The content of one. Raises DeltaRefusedError if it is gone or unreadable."""
        ...


@dataclass
class Found:
    """Which deltas hold which of the wanted ids, and the ids that none holds."""

    deltas: dict[str, Delta] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    """Record id → delta id."""
    lost: set[str] = field(default_factory=set)
    unreadable: list[str] = field(default_factory=list)


def find(objects: DeltaObjects, collection: Collection, wanted: Iterable[str]) -> Found:
    """The newest delta of each wanted id. Reads objects, newest first, until all are found."""
    found = Found(lost=set(wanted))
    if not found.lost:
        return found
    for delta_id in objects.newest_first(collection):
        try:
            batch = objects.read(collection, delta_id)
        except DeltaRefusedError:
            found.unreadable.append(delta_key(collection, delta_id))
            continue
        here = found.lost.intersection(batch.ids)
        if here:
            found.deltas[delta_id] = Delta.of(collection, delta_id, len(batch.ids))
            found.ids |= dict.fromkeys(here, delta_id)
            found.lost -= here
        if not found.lost:
            break
    return found


def rows_of(batch: VectorBatch, ids: Group[str]) -> VectorBatch:
    """The rows of some ids as a delta of its own, which counts as newer than its source.

    Its id is the source's successor, so whatever a producer has sent since still wins, and sending
    it twice is one delta.
    """
    rows = [row for row, chroma_id in enumerate(batch.ids) if chroma_id in ids]
    return VectorBatch(
        successor(batch.delta_id),
        tuple(batch.ids[row] for row in rows),
        batch.vectors[rows],
        tuple(batch.texts[row] for row in rows),
    )


def successor(delta_id: str) -> str:
    """The ULID that comes next."""
    return str(ULID.from_int(int(ULID.from_str(delta_id)) + 1))


class S3DeltaObjects:
    """DeltaObjects in the bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client, self._bucket = client, bucket
        self._store: DeltaStore = S3DeltaStore(client, bucket)

    def newest_first(self, collection: Collection) -> Iterator[str]:
        prefix = f"deltas/{collection}/"
        pages = self._client.get_paginator("list_objects_v2")
        names = [
            entry["Key"].removeprefix(prefix)
            for page in pages.paginate(Bucket=self._bucket, Prefix=prefix)
            for entry in page.get("Contents", [])
        ]
        ids = [name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)]
        yield from sorted(ids, reverse=True)

    def read(self, collection: Collection, delta_id: str) -> VectorBatch:
        data = self._store.read(delta_key(collection, delta_id))
        return decode(data, Delta.of(collection, delta_id, _rows(data)))


def _rows(data: bytes) -> int:
    """How many vectors an object holds; 1 if it can't be read, for `decode` says what is wrong."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return max(1, len(arrays["vectors"]))
    except (ValueError, KeyError, OSError, EOFError, TypeError, zipfile.BadZipFile):
        return 1
