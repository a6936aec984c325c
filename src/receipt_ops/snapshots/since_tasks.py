"""Finds since when the records of examples are unchanged."""

from collections.abc import Sequence
from itertools import groupby

from receipt_index.snapshot.reading.reader import SnapshotReader
from receipt_index.snapshot.store.s3_store import S3SnapshotStore
from receipt_ops.connection import Connection
from receipt_ops.scratch import scratch
from receipt_ops.snapshots.garbage import stored_objects
from receipt_ops.snapshots.history import ManifestHistory
from receipt_ops.snapshots.kept_versions import FrozenStore
from receipt_ops.snapshots.past import PastVersions
from receipt_ops.snapshots.since import Records, with_since
from receipt_ops.verification.verdict import Example
from receipt_sync.keys import Collection


def add_since(
    connection: Connection, examples: Sequence[Example], version: dict[Collection, int]
) -> list[Example]:
    """Return the examples, each with the version since which its record is unchanged.

    `version` holds the verified version of each collection.
    """
    ordered = sorted(examples, key=lambda example: example.collection)
    found: list[Example] = []
    for collection, group in groupby(ordered, key=lambda example: example.collection):
        found += _of_collection(connection, collection, list(group), version[collection])
    return found


def _of_collection(
    connection: Connection, collection: Collection, examples: list[Example], verified: int
) -> list[Example]:
    s3, bucket = connection.s3, connection.names.bucket
    store = S3SnapshotStore(s3, bucket, collection)
    sizes = {stored.name: stored.size for stored in stored_objects(s3, bucket, collection)}
    past = PastVersions(ManifestHistory(s3, bucket, collection), sizes, verified)

    def records_at(place: int, ids: Sequence[str]) -> Records | None:
        if not past.is_whole(place):
            return None
        with scratch() as folder:
            frozen = FrozenStore(store, past.kept(place))
            with SnapshotReader(frozen, collection, folder / "past") as reader:
                reader.refresh()
                return reader.get(ids)

    return with_since(examples, past, records_at)
