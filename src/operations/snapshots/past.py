"""Opens published versions of the past, to say since when a record is what it is."""

from collections.abc import Sequence
from itertools import groupby

from compactor.snapshot.reader import SnapshotReader
from compactor.snapshot.s3_store import S3SnapshotStore
from operations.connection import Connection
from operations.scratch import scratch
from operations.snapshots.history import FrozenStore, ManifestHistory, whole
from operations.snapshots.since import Records, Version, with_since
from operations.verdict import Example
from receipt_sync.keys import Collection


def add_since(
    connection: Connection, examples: Sequence[Example], version: dict[Collection, int]
) -> list[Example]:
    """The examples, each with the version since which its record is unchanged.

    `version` is what was verified of each collection.
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
    kept = [
        (entry, manifest)
        for entry, manifest in reversed(whole(ManifestHistory(s3, bucket, collection), store))
        if manifest.version <= verified
    ]

    def records_at(place: int, ids: Sequence[str]) -> Records:
        with scratch() as folder:
            past = FrozenStore(store, kept[place][0])
            with SnapshotReader(past, collection, folder / "past") as reader:
                reader.refresh()
                return reader.get(ids)

    versions = [Version(manifest.version, manifest.published_at) for _, manifest in kept]
    return with_since(examples, versions, records_at)
