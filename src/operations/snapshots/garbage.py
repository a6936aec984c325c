"""Objects of a snapshot that no kept manifest names: left by a crash between upload and publish.

A publish stores its pack first and its manifest last, so an object that is named nowhere is either
garbage or about to be named. Only what is older than the grace can't be the latter. What a manifest
lists as retired is the compactor's own to delete, after its retention.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from compactor.snapshot.manifest import LIST_FOLDER, Manifest
from compactor.snapshot.shelf import Shelf
from receipt_sync.keys import Collection

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class StoredObject:
    """An object below a collection's prefix: its name there, its size, and when it was stored."""

    name: str
    size: int
    stored_at: datetime


def garbage(
    objects: Iterable[StoredObject],
    manifests: Iterable[Manifest],
    shelf: Shelf,
    now: datetime,
    grace: timedelta,
) -> list[StoredObject]:
    """Objects older than the grace that none of the manifests needs or has retired."""
    named: set[str] = set()
    for manifest in manifests:
        named |= manifest.objects.union(*map(shelf.objects, manifest.retired))
        named |= {entry.name for entry in manifest.retired}
    return [
        stored for stored in objects if stored.name not in named and now - stored.stored_at > grace
    ]


def stored_objects(
    client: "S3Client", bucket: str, collection: Collection
) -> Iterator[StoredObject]:
    """Every block, pack and list of a collection."""
    root = f"snapshots/{collection}/"
    pages = client.get_paginator("list_objects_v2")
    for folder in ("blocks/", "packs/", f"{LIST_FOLDER}/"):
        for page in pages.paginate(Bucket=bucket, Prefix=root + folder):
            for entry in page.get("Contents", []):
                yield _stored(entry, root)


def _stored(entry: Any, root: str) -> StoredObject:
    return StoredObject(entry["Key"].removeprefix(root), entry["Size"], entry["LastModified"])
