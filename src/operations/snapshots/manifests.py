"""The manifests as they are now."""

from compactor.snapshot.manifest import Manifest, read_manifest
from compactor.snapshot.s3_store import S3SnapshotStore
from compactor.snapshot.store import FetchedManifest
from operations.connection import Connection
from receipt_sync.keys import Collection


def present_manifests(connection: Connection) -> dict[Collection, Manifest | None]:
    """Of each collection; None before a first publish. Raises SnapshotDamagedError."""
    found: dict[Collection, Manifest | None] = {}
    for collection in Collection:
        store = S3SnapshotStore(connection.s3, connection.names.bucket, collection)
        got = store.manifest(None)
        found[collection] = (
            read_manifest(got.data, collection) if isinstance(got, FetchedManifest) else None
        )
    return found
