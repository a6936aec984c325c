"""Finds and deletes the objects of a collection that no kept version needs."""

from datetime import timedelta
from itertools import islice
from typing import Final

from receipt_index.snapshot.format.manifest import Manifest
from receipt_index.snapshot.store.orphan_gc import delete_orphans
from receipt_index.snapshot.store.retired_lists import RetiredLists
from receipt_ops.connection import Connection
from receipt_ops.errors import OperationError
from receipt_ops.snapshots.garbage import GarbageUnknownError, StoredObject, garbage, stored_objects
from receipt_ops.snapshots.history import ManifestHistory
from receipt_ops.snapshots.manifests import check_has_snapshots
from receipt_ops.snapshots.wiring import history_of, store_of
from receipt_sync.clock import SystemClock
from receipt_sync.keys import Collection

GC_WRITER: Final = "receipt-sync snapshot gc"


class NotDeletedError(OperationError):
    """S3 did not delete some objects. The text names the first of them."""


def delete_garbage(
    connection: Connection, collection: Collection, found: list[StoredObject]
) -> list[StoredObject]:
    """Delete objects that are still unused, and return them. Raises NotDeletedError."""
    store, names = store_of(connection, collection), [stored.name for stored in found]
    deleted = frozenset(delete_orphans(store, collection, names, SystemClock(), GC_WRITER))
    there = stored_objects(connection.s3, connection.names.bucket, collection)
    left = sorted(deleted.intersection(stored.name for stored in there))
    if left:
        raise NotDeletedError(
            f"S3 has not deleted {len(left):,} of {len(deleted):,} objects, among them {left[0]}: "
            "check that your role may call s3:DeleteObject. The manifest lists them as deleted "
            "until the compactor's retention is over: run the command again after that"
        )
    return [stored for stored in found if stored.name in deleted]


def find_garbage(
    connection: Connection, collection: Collection, grace: timedelta
) -> list[StoredObject]:
    """Return the objects that no kept version needs, so that a restore still finds its objects.

    Raises GarbageUnknownError if a manifest is unreadable, so that its objects are unknown.
    """
    check_has_snapshots(store_of(connection, collection), collection)
    # List the objects first, so that the manifests include a publish that ends in between.
    objects = list(stored_objects(connection.s3, connection.names.bucket, collection))
    history = history_of(connection, collection)
    newest = _newest(history)
    retired_lists = RetiredLists(store_of(connection, collection))
    return garbage(objects, newest, history, retired_lists, SystemClock().now(), grace)


def _newest(history: ManifestHistory) -> Manifest:
    """Return the newest manifest. Raises GarbageUnknownError if it is unreadable."""
    entries = (entry for page in history.pages() for entry in page.entries)
    for kept in history.read(islice(entries, 1)):
        if kept.manifest is not None:
            return kept.manifest
    raise GarbageUnknownError(
        f"the manifest of {history.collection} can't be read, so the objects that it needs are "
        "unknown: restore a version first with `receipt-sync snapshot restore`"
    )
