"""Builders of the adapters that read the snapshots of a collection."""

from receipt_index.snapshot.store.s3_store import S3SnapshotStore
from receipt_ops.connection import Connection
from receipt_ops.snapshots.history import ManifestHistory
from receipt_ops.snapshots.manifests import Present, present_version
from receipt_sync.keys import Collection


def store_of(connection: Connection, collection: Collection) -> S3SnapshotStore:
    """Return the store of a collection's snapshot."""
    return S3SnapshotStore(connection.s3, connection.names.bucket, collection)


def history_of(connection: Connection, collection: Collection) -> ManifestHistory:
    """Return the versions of a collection's manifest that the bucket keeps."""
    return ManifestHistory(connection.s3, connection.names.bucket, collection)


def present_versions(connection: Connection) -> Present:
    """Return the published version of each collection.

    A damaged manifest of one collection does not hide the others.
    """
    return {
        collection: present_version(store_of(connection, collection), collection)
        for collection in Collection
    }
