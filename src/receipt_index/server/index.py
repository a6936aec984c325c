"""A Chroma collection on a server."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar
from uuid import UUID

from chromadb.errors import InvalidArgumentError, NotFoundError

from receipt_index.chroma import CollectionIndex
from receipt_index.deltas import Vectors
from receipt_index.records import Match, Metadata, NewVector
from receipt_index.server.answers import chroma_answers
from receipt_index.server.connection import ServerConnection
from receipt_index.server.limits import CLOUD, SERVER, Limits
from receipt_index.server.paging import all_ids
from receipt_sync.errors import (
    IndexFailedError,
    IndexUnavailableError,
    SnapshotDamagedError,
    SyncError,
)
from receipt_sync.keys import Collection
from receipt_sync.settings import ChromaSettings

T = TypeVar("T")
Through = Callable[[Callable[[], Any]], Any]
"""Makes a call to the server, or refuses the call while the server counts as down."""

_WRITES: Final = {"add", "update", "delete"}


def directly(call: Callable[[], Any]) -> Any:
    """Make the call without a circuit breaker."""
    return call()


class ServerIndex(CollectionIndex):
    """An Index on a server.

    A record that breaks a limit raises ProjectionError before it is sent.
    """

    def __init__(self, client: Any, collection: Any, limits: Limits, through: Through) -> None:
        super().__init__(client, collection)
        self._limits, self._through = limits, through
        self.most_read = limits.read
        self.unanswered = False
        """Whether a write got no answer. The server may still carry it out."""

    @property
    def collection_id(self) -> UUID:
        """Return Chroma's id of the collection. A new collection of that name has another id."""
        return UUID(str(self._collection.id))

    def update(self, metadata: Mapping[str, Metadata]) -> None:
        """See `Index.update`. Raises ProjectionError for a record that breaks a limit."""
        for chroma_id, values in metadata.items():
            self._limits.check(chroma_id, values)
        super().update(metadata)

    def insert(self, records: Sequence[NewVector]) -> None:
        """See `Index.insert`. Raises ProjectionError for a record that breaks a limit."""
        self._check(records)
        super().insert(records)

    def replace_vectors(self, records: Sequence[NewVector]) -> None:
        """See `Index.replace_vectors`. Raises ProjectionError for a record that breaks a limit."""
        self._check(records)
        super().replace_vectors(records)

    def dimension(self) -> int | None:
        """See `Index.dimension`."""

        def call() -> int | None:
            with chroma_answers("get_collection"):
                return connection.dimension(Collection(self._collection.name))

        connection: ServerConnection = self._client
        dimension: int | None = self._through(call)
        return dimension

    def ids(self) -> Iterator[str]:
        """Yield the id of every record that exists from the first read to the last."""

        def read(limit: int, offset: int) -> list[str]:
            ids: list[str] = self._call("get", limit=limit, offset=offset, include=[])["ids"]
            return ids

        return all_ids(read, self.most_read)

    def search(
        self, vector: Vectors, limit: int, where: Mapping[str, Any] | None = None
    ) -> list[Match]:
        """See `CollectionIndex.search`.

        Raises IndexFailedError if `limit` is above the server's limit.
        """
        if limit > self._limits.read:
            raise IndexFailedError(
                f"{self._limits.target} returns at most {self._limits.read} records for a "
                "search: lower the limit of the search"
            )
        return super().search(vector, limit, where)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _check(self, records: Sequence[NewVector]) -> None:
        for record in records:
            self._limits.check_vector(record)

    def _call(self, name: str, **arguments: Any) -> Any:
        def call() -> Any:
            with chroma_answers(name):
                return _checked(name, getattr(self._collection, name)(**arguments))

        try:
            return self._through(call)
        except IndexUnavailableError:
            self.unanswered |= name in _WRITES
            raise

    def _writes(self, items: Sequence[T]) -> Iterator[Sequence[T]]:
        return self._limits.requests(items)


def _checked(name: str, answer: Any) -> Any:
    """Return the answer. Raises IndexUnavailableError for one that Chroma would not give."""
    sound = True
    if name == "count":
        sound = type(answer) is int
    elif name == "get":
        sound = _is_whole(answer)
    if not sound:
        raise IndexUnavailableError(
            f"the answer to {name!r} does not have the form of Chroma's answers: check the proxy "
            "in front of the server"
        )
    return answer


def _is_whole(answer: Mapping[str, Any]) -> bool:
    """Return whether an answer has one value of each included kind for each id."""
    ids = answer.get("ids")
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        return False
    kinds = [name for name in answer.get("included", ()) if name in answer]
    return all(answer[name] is not None and len(answer[name]) == len(ids) for name in kinds)


class ServerIndexes:
    """Opens the collections of one server."""

    def __init__(self, settings: ChromaSettings, through: Through = directly) -> None:
        self._settings, self._through = settings, through
        self._limits = CLOUD if settings.chroma_target == "cloud" else SERVER

    def open(self, collection: Collection, *, create: bool) -> ServerIndex:
        """Return an open collection. With `create`, create it if it is missing.

        Raises IndexUnavailableError. Raises SnapshotDamagedError for a collection that is gone, or
        that has another distance than cosine.
        """

        def call() -> ServerIndex:
            try:
                with chroma_answers("open"):
                    return self._open(collection, create)
            except IndexFailedError as error:  # no record was sent, so none is at fault
                raise IndexUnavailableError(str(error)) from error

        opened: ServerIndex = self._through(call)
        return opened

    def _open(self, collection: Collection, create: bool) -> ServerIndex:
        connection = ServerConnection(self._settings)
        try:
            opened = connection.open(collection, create=create)
            _check_distance(opened, collection)
        except BaseException as error:
            connection.close()
            if isinstance(error, NotFoundError | InvalidArgumentError):
                raise _not_there(collection, create) from error
            raise
        return ServerIndex(connection, opened, self._limits, self._through)


def _check_distance(opened: Any, collection: Collection) -> None:
    configuration = opened.configuration_json
    index = configuration.get("hnsw") or configuration.get("spann") or {}
    if index.get("space") != "cosine":
        raise SnapshotDamagedError(
            f"the server's collection {collection} was not created by this software: its distance "
            f"is {index.get('space')}, and not cosine. Use another database, or delete the "
            "collection"
        )


def _not_there(collection: Collection, create: bool) -> SyncError:
    if create:
        return IndexUnavailableError(
            "the Chroma server has no such tenant or database: correct CHROMA_TENANT and "
            "CHROMA_DATABASE, or create both on the server"
        )
    return SnapshotDamagedError(
        f"the server has no collection {collection}, although a version of it was published: "
        "correct CHROMA_TENANT and CHROMA_DATABASE, restore the server's data, or delete the "
        "collection's manifest.json and load everything again"
    )
