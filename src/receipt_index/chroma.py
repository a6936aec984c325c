"""An Index on a Chroma collection, in a local directory or on a server.

Chroma's own errors become IndexFailedError. After such an error the state of the copy is unknown,
so its holder discards it (I6).
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

import chromadb
import numpy as np
from chromadb.config import Settings
from chromadb.errors import ChromaError

from receipt_index.chroma_rows import StoredRecords
from receipt_index.deltas import Vectors
from receipt_index.records import Match, Metadata, NewVector, Record
from receipt_sync.errors import ForkedError, IndexFailedError
from receipt_sync.keys import Collection
from receipt_sync.sequences import batches, round_batches

CALL_LIMIT: Final = 1_024
"""Records in a call. Chroma refuses more than 5,461 in a write and about 32,766 in a get.

Calls of 5,000 records are no faster, and their SQL statements take five times the memory.
"""

_IDS_A_CALL: Final = 5_000
"""Ids in a call that asks for all of them. Chroma passes over the earlier ones in each call."""

VECTORS_A_CALL: Final = 512
"""Vectors in a call. Chroma's client makes a list of Python floats of every vector, with 32 bytes
for each float.
"""

COLLECTION: Final[Mapping[str, Any]] = {
    "configuration": {"hnsw": {"space": "cosine"}},
    "embedding_function": None,  # the default one would fetch a model from the network
}
"""The arguments with which every collection is made."""

T = TypeVar("T")

_process: int | None = None
"""The first process that opened Chroma's engine."""


class CollectionIndex:
    """An Index on an open Chroma collection, in a local directory or on a server."""

    most_read: int = CALL_LIMIT
    """Records that one read may return."""

    def __init__(self, client: Any, collection: Any) -> None:
        self._client, self._collection = client, collection

    def get(self, ids: Sequence[str]) -> dict[str, Record]:
        """See `Index.get`."""
        found: dict[str, Record] = {}
        for some in self._batches(ids, self.most_read):
            got = self._call("get", ids=list(some), include=["metadatas", "documents"])
            found |= {record.id: record for record in _records(got)}
        return found

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """See `Index.vectors`."""
        found: dict[str, Vectors] = {}
        for some in self._batches(ids, min(self.most_read, VECTORS_A_CALL)):
            got = self._call("get", ids=list(some), include=["embeddings"])
            embeddings = got["embeddings"]
            if embeddings is not None:
                found |= {
                    i: np.asarray(v, np.float32)
                    for i, v in zip(got["ids"], embeddings, strict=True)
                }
        return found

    def update(self, metadata: Mapping[str, Metadata]) -> None:
        """See `Index.update`."""
        changed = [(i, values) for i, values in metadata.items() if values]
        for some in self._writes(changed):
            self._call("update", ids=[i for i, _ in some], metadatas=[v for _, v in some])

    def insert(self, records: Sequence[NewVector]) -> None:
        """See `Index.insert`."""
        for some in self._vector_writes(records):
            self._call("add", **_columns(some, keep_none=False))

    def replace_vectors(self, records: Sequence[NewVector]) -> None:
        """See `Index.replace_vectors`."""
        for some in self._vector_writes(records):
            self._call("update", **_columns(some, keep_none=True))

    def delete(self, ids: Sequence[str]) -> None:
        """See `Index.delete`."""
        for some in self._writes(ids):
            self._call("delete", ids=list(some))

    def count(self) -> int:
        """See `Index.count`."""
        return int(self._call("count"))

    def dimension(self) -> int | None:
        """See `Index.dimension`."""
        with _chroma("get_collection"):
            # The open collection does not know the dimension that a later write has set.
            found = self._client.get_collection(self._collection.name, embedding_function=None)
            dimension: int | None = found._model.dimension
            return dimension

    def ids(self) -> Iterator[str]:
        """Yield every record's id, in Chroma's order."""
        offset = 0
        while True:
            page = self._call("get", limit=_IDS_A_CALL, offset=offset, include=[])["ids"]
            yield from page
            if len(page) < _IDS_A_CALL:
                return
            offset += len(page)

    def matching(self, where: Mapping[str, Any]) -> list[str]:
        """Return the ids of the records that pass a Chroma metadata filter."""
        ids: list[str] = self._call("get", where=dict(where), include=[])["ids"]
        return ids

    def search(
        self, vector: Vectors, limit: int, where: Mapping[str, Any] | None = None
    ) -> list[Match]:
        """Return the nearest records, nearest first; `where` is a Chroma metadata filter."""
        found = self._call(
            "query",
            query_embeddings=[vector],
            n_results=limit,
            where=dict(where) if where else None,
            include=["metadatas", "documents", "distances"],
        )
        row: dict[str, Any] = {
            name: (found[name] or [[]])[0]
            for name in ("ids", "metadatas", "documents", "distances")
        }
        return [
            Match(record, distance)
            for record, distance in zip(_records(row), row["distances"], strict=True)
        ]

    def close(self) -> None:
        """See `Index.close`."""
        with _chroma("close"):
            self._client.close()

    def _call(self, name: str, **arguments: Any) -> Any:
        """Call the collection's method `name`. Raises IndexFailedError."""
        with _chroma(name):
            return getattr(self._collection, name)(**arguments)

    def _vector_writes(self, records: Sequence[NewVector]) -> Iterator[Sequence[NewVector]]:
        for some in self._batches(records, VECTORS_A_CALL):
            yield from self._writes(some)

    def _writes(self, items: Sequence[T]) -> Iterator[Sequence[T]]:
        """Yield the items of each write."""
        return self._batches(items, CALL_LIMIT)

    def _batches(self, items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
        """Yield the items of each call, `size` at most."""
        return batches(items, size)


class ChromaIndex(CollectionIndex):
    """A collection in its own directory, through Chroma's embedded engine."""

    def __init__(self, path: Path, collection: Collection) -> None:
        _check_process()
        with _chroma("open"):
            client: Any = chromadb.PersistentClient(
                path=str(path.resolve()), settings=Settings(anonymized_telemetry=False)
            )
            try:
                opened = client.get_or_create_collection(name=collection.value, **COLLECTION)
                opened.get(limit=1, include=[])  # Chroma applies its log with the first read.
                self._stored = StoredRecords.open(path, str(opened.id))
            except BaseException:
                client.close()
                raise
        super().__init__(client, opened)

    def get(self, ids: Sequence[str]) -> dict[str, Record]:
        """See `Index.get`."""
        if self._stored is None:
            return super().get(ids)
        with _chroma("get"):
            return self._stored.get(ids)

    def close(self) -> None:
        """See `Index.close`."""
        if self._stored is not None:
            self._stored.close()
        super().close()

    def _batches(self, items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
        """See `CollectionIndex._batches`.

        The engine writes the number of records into its SQL. Each connection keeps the last 100
        statements, one of 4,000 records with 1 MiB. So the numbers take few values.
        """
        return round_batches(items, size)

    def warm_up(self) -> None:
        """Load the vector index, so that the first search is as fast as later ones."""
        some = list(islice(self.ids(), 1))
        for vector in self.vectors(some).values():
            self.search(vector, 1)


def _check_process() -> None:
    """Raise ForkedError in a child of a process that has used Chroma.

    The threads of Chroma's engine do not exist in the child.
    """
    global _process  # noqa: PLW0603
    _process = _process or os.getpid()
    if _process != os.getpid():
        raise ForkedError(
            "Chroma was used before this process was forked, and would never answer: open indexes "
            "and readers in each process, with gunicorn in post_fork"
        )


def _records(got: Mapping[str, Any]) -> list[Record]:
    return [
        Record(chroma_id, metadata or {}, document)
        for chroma_id, metadata, document in zip(
            got["ids"], got["metadatas"], got["documents"], strict=True
        )
    ]


def _columns(records: Sequence[NewVector], *, keep_none: bool) -> dict[str, Any]:
    return {
        "ids": [record.id for record in records],
        "embeddings": [record.vector for record in records],
        "documents": [record.document for record in records],
        "metadatas": [
            {k: v for k, v in record.metadata.items() if keep_none or v is not None}
            for record in records
        ],
    }


@contextmanager
def _chroma(call: str) -> Iterator[None]:
    try:
        yield
    except (
        ChromaError,
        ValueError,
        TypeError,
        RuntimeError,
        OSError,
        sqlite3.Error,
    ) as error:
        # The error's own text is left out: it may quote a value, which is receipt text (I8).
        raise IndexFailedError(f"Chroma's {call} failed: {type(error).__name__}") from error
