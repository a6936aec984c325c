"""The published snapshots, opened in a temporary folder for as long as a command runs."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from compactor.snapshot.reader import SnapshotReader
from compactor.snapshot.s3_store import S3SnapshotStore
from operations.connection import Connection
from receipt_sync.keys import Collection

Readers = dict[Collection, SnapshotReader]


@contextmanager
def snapshot_readers(
    connection: Connection, collections: Iterable[Collection] = tuple(Collection)
) -> Iterator[Readers]:
    """Readers that have fetched nothing yet: `refresh` does, and again for later versions."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="receipt-sync-")))
        yield {
            collection: stack.enter_context(
                SnapshotReader(
                    S3SnapshotStore(connection.s3, connection.names.bucket, collection),
                    collection,
                    root / collection,
                )
            )
            for collection in collections
        }
