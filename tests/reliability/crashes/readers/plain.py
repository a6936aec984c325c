"""Searches with plain chromadb in the version that a reader serves.

Chroma replays the last writes, up to a thousand, whenever it opens a folder. The order differs each
time. The graph, and the records that a search misses, therefore differ between two openings. The
search is thus repeated in the graph that the reader has in memory. This works because chromadb's
clients in one process share an open folder. The files of the graph are compared with the published
ones. A second opening of the published bytes must have the same records and vectors.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import chromadb
from chromadb.api.shared_system_client import SharedSystemClient
from chromadb.config import Settings

from tests.reliability.crashes.readers.decoder import Fresh, Version, decode
from tests.reliability.crashes.readers.nearest import Nearest

_DATABASE: Final = "chroma.sqlite3"


class Plain:
    """The version that a reader of this process serves from a folder below `root`."""

    def __init__(self, root: Path, version: Version, collection: str) -> None:
        self.folder = open_folder(root)
        self._version, self._name = version, collection
        settings = Settings(anonymized_telemetry=False)
        self._client: Any = chromadb.PersistentClient(path=str(self.folder), settings=settings)
        self._collection: Any = self._client.get_collection(collection, embedding_function=None)

    def nearest(self, vector: Any) -> Nearest | None:
        """Return the first hit of a search in the graph that the reader has in memory."""
        found = self._collection.query(
            query_embeddings=[vector], n_results=1, include=["distances"]
        )
        hits = zip(found["ids"][0], found["distances"][0], strict=True)
        return next((Nearest(chroma_id, distance) for chroma_id, distance in hits), None)

    def records(self) -> dict[str, tuple[Any, Any, Any]]:
        """Return vector, metadata and document of every record of the published bytes."""
        with TemporaryDirectory(prefix="plain-") as folder:
            fresh = Fresh(self._version, Path(folder), self._name)
            try:
                return fresh.records()
            finally:
                fresh.close()

    def other_files(self) -> list[str]:
        """Return the names of the reader's files that differ from the published ones."""
        return other_files(self._version, self.folder)

    def close(self) -> None:
        """Close this client. The reader keeps the folder open."""
        self._client.close()


@contextmanager
def beside(root: Path, version: Version, collection: str) -> Iterator[Plain]:
    """Open plain chromadb next to the reader of this process with the folder `root`."""
    plain = Plain(root, version, collection)
    try:
        yield plain
    finally:
        plain.close()


def open_folder(root: Path) -> Path:
    """Return the folder below `root` that Chroma has open in this process. There must be one."""
    opened = map(Path, SharedSystemClient._identifier_to_system)
    (folder,) = [path for path in opened if path.is_relative_to(root.resolve())]
    return folder


def other_files(version: Version, folder: Path) -> list[str]:
    """Return the names of files that are absent or differ from those of a published version.

    The database is left out, because Chroma writes to it when it opens it.
    """
    with TemporaryDirectory(prefix="plain-") as name:
        decode(version, Path(name))
        published, held = _files(Path(name)), _files(folder)
    return sorted(path for path in published | held if published.get(path) != held.get(path))


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(_DATABASE)
    }
