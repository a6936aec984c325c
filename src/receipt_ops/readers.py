"""Readers of the published collections, open while a command runs."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from receipt_index.deltas import Vectors
from receipt_index.records import Match, Record
from receipt_index.snapshot.reading.reader import SnapshotReader
from receipt_index.snapshot.store.s3_store import S3SnapshotStore
from receipt_ops.connection import Connection
from receipt_ops.scratch import scratch
from receipt_sync.keys import Collection
from receipt_sync.settings import ChromaSettings


class Reader(Protocol):
    """A reader of one published collection: a SnapshotReader's copy, or a server's collection."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    @property
    def version(self) -> int: ...

    @property
    def is_fixed(self) -> bool: ...

    @property
    def published_at(self) -> datetime | None: ...

    @property
    def elements(self) -> int | None: ...

    def refresh(self) -> bool: ...

    def get(self, ids: Sequence[str]) -> dict[str, Record]: ...

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]: ...

    def ids(self) -> Iterator[str]: ...

    def count(self) -> int: ...

    def search(
        self, vector: Vectors, limit: int, where: Mapping[str, Any] | None = None
    ) -> list[Match]: ...


Readers = Mapping[Collection, Reader]


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
        if settings.chroma_target == "local":
            root = stack.enter_context(scratch())
            make = _of_snapshots(connection, root)
        else:
            make = _of_server(connection, settings)
        yield {collection: stack.enter_context(make(collection)) for collection in collections}


def _of_snapshots(connection: Connection, root: Path) -> Callable[[Collection], Reader]:
    return lambda collection: SnapshotReader(
        _store(connection, collection), collection, root / collection
    )


def _of_server(connection: Connection, settings: ChromaSettings) -> Callable[[Collection], Reader]:
    # Import this here, because most commands need no HTTP client.
    from receipt_index.server.index import ServerIndexes
    from receipt_index.server.reader import ServerReader

    indexes = ServerIndexes(settings)
    return lambda collection: ServerReader(
        _store(connection, collection), collection, lambda: indexes.open(collection, create=False)
    )


def _store(connection: Connection, collection: Collection) -> S3SnapshotStore:
    return S3SnapshotStore(connection.s3, connection.names.bucket, collection)
