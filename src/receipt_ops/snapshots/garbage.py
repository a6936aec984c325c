"""Orphans: objects of a snapshot that no kept manifest names.

A crash between upload and publish leaves such objects. A publish stores its pack first and its
manifest last. So an object that no manifest names is either garbage, or a publish is about to name
it. The second case is impossible for an object that is older than the grace. The compactor itself
deletes the objects that the newest manifest lists as retired, after their retention.

A worker publishes the name of an object within one function's lifetime. So for an object that the
newest manifest does not name, this module reads only the manifests that were stored soon after it.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from receipt_index.snapshot.format.manifest import LIST_FOLDER, Manifest
from receipt_index.snapshot.store.retired_lists import RetiredLists
from receipt_index.snapshot.store.retirement import listed_until
from receipt_ops.errors import OperationError
from receipt_ops.snapshots.kept_versions import Entry, KeptVersion, Page
from receipt_sync.keys import Collection

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NAMED_WITHIN: Final = timedelta(hours=1)
"""The most time between an object and the manifest that first names it, with a large margin.

A Lambda function runs for 15 minutes at most.
"""


class GarbageUnknownError(OperationError):
    """A manifest is unreadable, so the objects that it needs are unknown."""


class History(Protocol):
    """The kept manifests of a collection."""

    def pages(self) -> Iterator[Page]: ...

    def read(self, entries: Iterable[Entry]) -> Iterator[KeptVersion]: ...


@dataclass(frozen=True)
class StoredObject:
    """Holds the name of an object below a collection's prefix, its size, and its storage time."""

    name: str
    size: int
    stored_at: datetime


def garbage(
    objects: Iterable[StoredObject],
    newest: Manifest,
    history: History,
    retired_lists: RetiredLists,
    now: datetime,
    grace: timedelta,
) -> list[StoredObject]:
    """Return the objects older than the grace that no kept manifest needs or has retired.

    There are none before the first publish has ended, which may need each object. Raises
    GarbageUnknownError if a manifest is unreadable and may name one of them.
    """
    if newest.version == 0:
        return []
    named = _named(newest, retired_lists)
    left = {
        stored.name: stored
        for stored in objects
        if stored.name not in named and now - stored.stored_at > grace
    }
    near = _near(history, [stored.stored_at for stored in left.values()])
    for kept in history.read(near) if left else ():
        if kept.manifest is None:
            raise GarbageUnknownError(
                f"the object version {kept.version_id} of the manifest can't be read, so the "
                "objects that it needs are unknown. The command deleted nothing: "
                "run it again after the bucket's lifecycle has removed this version"
            )
        for name in _named(kept.manifest, retired_lists):
            left.pop(name, None)
    return sorted(left.values(), key=lambda stored: stored.name)


@dataclass(frozen=True)
class Announced:
    """Holds the objects that still exist although the newest manifest lists them as being deleted.

    No version may need them until the first publish after `until`. Then a new version lists them no
    longer, and they are garbage again. `until` is None if there are none, or if the compactor's
    retention is unknown.
    """

    objects: list[StoredObject]
    until: datetime | None


def announced(
    objects: Iterable[StoredObject],
    newest: Manifest,
    retired_lists: RetiredLists,
    retention: Callable[[], timedelta | None],
) -> Announced:
    """Return the objects whose deletion was announced and that still exist.

    `retention` returns that of the compactor, and is called only if there are such objects.
    """
    begun = [entry for entry in newest.retired if entry.deleting is not None]
    retired_lists.load(begun)
    there = {stored.name: stored for stored in objects if stored.name not in newest.objects}
    left = [entry for entry in begun if not there.keys().isdisjoint(retired_lists.objects(entry))]
    names = {name for entry in left for name in retired_lists.objects(entry) if name in there}
    kept_for = retention() if left else None
    ends = [listed_until(entry, kept_for) for entry in left] if kept_for is not None else []
    return Announced(
        [there[name] for name in sorted(names)],
        max((end for end in ends if end is not None), default=None),
    )


def _named(manifest: Manifest, retired_lists: RetiredLists) -> frozenset[str]:
    """Return the objects that a version needs or has retired, and its lists of retired objects."""
    retired_lists.load(manifest.retired)
    lists = {entry.name for entry in manifest.retired}
    return manifest.objects.union(lists, *map(retired_lists.objects, manifest.retired))


def _near(history: History, moments: list[datetime]) -> Iterator[Entry]:
    """Yield the entries that were stored within NAMED_WITHIN after one of the moments.

    The moments are sorted, so an entry costs one binary search.
    """
    ordered = sorted(moments)
    for page in history.pages():
        for entry in page.entries:
            if not ordered or entry.stored_at < ordered[0]:
                return
            before = bisect_right(ordered, entry.stored_at)
            if before and entry.stored_at <= ordered[before - 1] + NAMED_WITHIN:
                yield entry


def stored_objects(
    client: "S3Client", bucket: str, collection: Collection
) -> Iterator[StoredObject]:
    """Yield every block, pack and list of a collection."""
    root = f"snapshots/{collection}/"
    pages = client.get_paginator("list_objects_v2")
    for folder in ("blocks/", "packs/", f"{LIST_FOLDER}/"):
        for page in pages.paginate(Bucket=bucket, Prefix=root + folder):
            for entry in page.get("Contents", []):
                yield _stored(entry, root)


def _stored(entry: Any, root: str) -> StoredObject:
    return StoredObject(entry["Key"].removeprefix(root), entry["Size"], entry["LastModified"])
