"""A collection on a Chroma server as the target of a cycle.

There is no working copy to discard, and no write can be rolled back. Instead, the manifest ensures
I4 and I6. It is read before the table, claimed before the first write, and swapped at the end. Each
swap requires that no other worker has changed the manifest since.
"""

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Final, Protocol
from uuid import UUID

from receipt_index.records import Index
from receipt_index.server.version import Claim, ServerVersion, check_identity, read_version
from receipt_index.snapshot.copies.working_copy import Published
from receipt_index.snapshot.store.snapshot_store import Absent, FetchedManifest, NotModified
from receipt_sync.clock import Clock
from receipt_sync.deadline import Deadline
from receipt_sync.errors import SnapshotDamagedError, UnsettledError
from receipt_sync.keys import Collection

_MARGIN: Final = timedelta(seconds=60)
"""Added to the end of a claim. Clocks differ, and a server may still carry out a request whose
sender has stopped.
"""


class VersionStore(Protocol):
    """The store of a collection's one manifest.

    `snapshot.store.SnapshotStore` documents the methods.
    """

    def manifest(self, known_etag: str | None) -> FetchedManifest | NotModified | Absent: ...

    def swap_manifest(self, data: bytes, expected_etag: str | None) -> str: ...


class RemoteIndex(Index, Protocol):
    """An index that other workers may write to at the same time.

    `unanswered` and `collection_id` are documented at `server.index.ServerIndex`.
    """

    unanswered: bool

    @property
    def collection_id(self) -> UUID: ...


OpenIndex = Callable[[bool], RemoteIndex]
"""Opens the collection. The argument True allows it to be created."""


class ServerTarget:
    """A target on a server: checkout, claim, publish, discard.

    Only one thread of one process may use it at a time.
    """

    def __init__(
        self,
        store: VersionStore,
        collection: Collection,
        open_index: OpenIndex,
        clock: Clock,
        writer: str,
    ) -> None:
        self._store, self._collection, self._clock = store, collection, clock
        self._open_index, self._writer = open_index, writer
        self._numbers = count(1)
        self._cycle = self._next_cycle()
        self._until = clock.now()
        self._index: RemoteIndex | None = None
        self._etag: str | None = None
        self._version: ServerVersion | None = None

    def checkout(self, deadline: Deadline) -> Index:
        """Return the collection as it is now. This cycle's writes must end by the deadline.

        The manifest is read before the index, so that a write in between is noticed. Raises
        SnapshotDamagedError and IndexUnavailableError.
        """
        left = timedelta(seconds=max(0.0, deadline.remaining()))
        self._until = self._clock.now() + left + _MARGIN
        self._read_version()
        published = self._version is not None and self._version.version > 0
        if self._index is None:
            self._index = self._open_index(not published)
        if self._version is None and self._index.count():
            self._read_version()  # a claim precedes the first record, so one may exist by now
            if self._version is None:
                raise _lost(self._collection)
        self._version = _bound(self._version, self._collection, self._index.collection_id)
        return self._index

    def mark_dirty(self) -> None:
        """Claim the collection before the first write.

        Raises PublishRefusedError if another worker has changed the manifest. The caller must then
        write nothing.
        """
        claim = Claim(cycle=self._cycle, until=self._until)
        self._swap(self._checked_out.claimed(claim, self._clock.now()))

    def publish(self, record_count: int | None) -> Published:
        """Swap the manifest if the version checked out is still the newest.

        Raises PublishRefusedError if it is not. Raises UnsettledError, after the swap, if another
        worker may still write. The messages must then return and be compared again.
        """
        now, held = self._clock.now(), self._checked_out
        others = held.claims_of_others(self._cycle, now)
        update = {
            "version": held.version + 1,
            "record_count": held.record_count if record_count is None else record_count,
            "published_at": now,
            "writer": self._writer,
            "claims": others,
        }
        self._swap(held.model_copy(update=update))
        if others:
            until = max(claim.until for claim in others)
            raise UnsettledError(
                f"another worker may write to {self._collection} until {until:%H:%M:%S} UTC: what "
                "was applied is checked again when its messages return",
                until,
            )
        return Published(held.version + 1, 0)

    def discard(self) -> None:
        """Drop the checkout. What was written stays; its messages return and are compared again."""
        index, self._index = self._index, None
        self._etag, self._version = None, None
        if index is not None:
            if index.unanswered:  # the claim stays, as if it were another worker's
                self._cycle = self._next_cycle()
            index.close()

    @property
    def _checked_out(self) -> ServerVersion:
        if self._version is None:
            raise AssertionError("checkout comes first")
        return self._version

    def _read_version(self) -> None:
        got = self._store.manifest(self._etag)
        if isinstance(got, FetchedManifest):
            self._version, self._etag = read_version(got.data, self._collection), got.etag
        elif isinstance(got, Absent):
            if self._etag is not None:
                raise _lost(self._collection)
            self._version = None

    def _swap(self, version: ServerVersion) -> None:
        self._etag = self._store.swap_manifest(version.to_json(), self._etag)
        self._version = version

    def _next_cycle(self) -> str:
        return f"{self._writer}/{next(self._numbers)}"


def _lost(collection: Collection) -> SnapshotDamagedError:
    return SnapshotDamagedError(
        f"the manifest of {collection} is gone, but the server's collection has records: restore "
        "the object from the bucket's versions. To start over, delete the server's collection and "
        "run `receipt-sync repair`"
    )


def _bound(
    known: ServerVersion | None, collection: Collection, collection_id: UUID
) -> ServerVersion:
    """Return the version with the id of the server's collection.

    Before the first publish, the id is that of the collection that was found. Raises
    SnapshotDamagedError if a published version belongs to another collection.
    """
    if known is None:
        return ServerVersion(collection=collection, collection_id=collection_id)
    if known.version == 0:
        return known.model_copy(update={"collection_id": collection_id})
    check_identity(known, collection_id)
    return known
