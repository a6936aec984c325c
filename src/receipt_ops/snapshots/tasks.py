"""Finds and deletes the objects of a collection that no kept version needs."""

from datetime import timedelta
from itertools import islice
from typing import Final, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from receipt_index.snapshot.format.manifest import Manifest
from receipt_index.snapshot.store.orphan_gc import announce_orphans
from receipt_index.snapshot.store.retired_lists import RetiredLists
from receipt_ops.connection import Connection
from receipt_ops.deployment.discovery import Deployment
from receipt_ops.deployment.parts import number_of
from receipt_ops.errors import OperationError
from receipt_ops.snapshots.garbage import (
    Announced,
    GarbageUnknownError,
    StoredObject,
    announced,
    garbage,
    stored_objects,
)
from receipt_ops.snapshots.history import ManifestHistory
from receipt_ops.snapshots.manifests import check_has_snapshots
from receipt_ops.snapshots.wiring import history_of, store_of
from receipt_sync.clock import SystemClock
from receipt_sync.defaults import RETENTION_SECONDS
from receipt_sync.errors import ObjectsNotDeletedError
from receipt_sync.keys import Collection

GC_WRITER: Final = "receipt-sync snapshot gc"


_ADVICE: Final = (
    "check that your role may call s3:DeleteObject. The manifest announces their deletion, so run "
    "the command again: it says when it can delete them"
)


class NotDeletedError(OperationError):
    """S3 did not delete some objects. The text names the first of them."""


class Garbage(NamedTuple):
    """Holds the objects that no kept version needs, and those of an earlier, failed deletion."""

    objects: list[StoredObject]
    announced: Announced


def delete_garbage(
    connection: Connection, collection: Collection, found: list[StoredObject]
) -> list[StoredObject]:
    """Delete objects that are still unused, and return them. Raises NotDeletedError."""
    store, names = store_of(connection, collection), [stored.name for stored in found]
    orphans = frozenset(announce_orphans(store, collection, names, SystemClock(), GC_WRITER))
    refused: ObjectsNotDeletedError | None = None
    try:
        store.delete(orphans)
    except ObjectsNotDeletedError as error:
        refused = error
    # Only a list of the bucket decides: an answer can be lost, and it can leave errors out.
    there = stored_objects(connection.s3, connection.names.bucket, collection)
    left = sorted(orphans.intersection(stored.name for stored in there))
    if left:
        reason = f" ({refused.reason})" if refused else ""
        raise NotDeletedError(
            f"S3 has not deleted {len(left):,} of {len(orphans):,} objects{reason}, among them "
            f"{left[0]}: {_ADVICE}"
        ) from refused
    return [stored for stored in found if stored.name in orphans]


def find_garbage(connection: Connection, collection: Collection, grace: timedelta) -> Garbage:
    """Return the objects that no kept version needs, so that a restore still finds its objects.

    Raises GarbageUnknownError if a manifest is unreadable, so that its objects are unknown.
    """
    check_has_snapshots(store_of(connection, collection), collection)
    # List the objects first, so that the manifests include a publish that ends in between.
    objects = list(stored_objects(connection.s3, connection.names.bucket, collection))
    history = history_of(connection, collection)
    newest = _newest(history)
    retired_lists = RetiredLists(store_of(connection, collection))
    return Garbage(
        garbage(objects, newest, history, retired_lists, SystemClock().now(), grace),
        announced(objects, newest, retired_lists, lambda: _retention(connection)),
    )


def _retention(connection: Connection) -> timedelta | None:
    """Return the retention of the deployed compactor; None if it can't be read.

    It only gives a time in the output, so the command does not need the permission to read it.
    """
    try:
        variables = Deployment(connection).compactor.variables
        seconds = number_of(variables, "SNAPSHOT_RETENTION_SECONDS", RETENTION_SECONDS)
        return timedelta(seconds=seconds)
    except (BotoCoreError, ClientError, OperationError, OverflowError):
        return None


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
