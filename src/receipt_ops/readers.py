"""Readers of a connection's collections, open while a command runs."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from receipt_index.reader import Readers
from receipt_index.readers import choose_reader
from receipt_ops.connection import Connection
from receipt_ops.scratch import scratch
from receipt_sync.keys import Collection
from receipt_sync.settings import ChromaSettings


@contextmanager
def snapshot_readers(
    connection: Connection, collections: Iterable[Collection] = tuple(Collection)
) -> Iterator[Readers]:
    """Give readers for a `with` block. They fetch nothing before the first `refresh`.

    Each further `refresh` fetches the newest version. CHROMA_TARGET chooses what they read. Raises
    SettingsError.
    """
    settings = ChromaSettings.read()
    with ExitStack() as stack:
        is_local = settings.chroma_target == "local"
        folder = stack.enter_context(scratch()) if is_local else Path()
        yield {
            collection: stack.enter_context(
                choose_reader(collection, settings, connection.s3, connection.names.bucket, folder)
            )
            for collection in collections
        }
