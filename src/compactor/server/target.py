"""A collection on a Chroma server as a cycle's target.

There is no working copy to throw away and nothing to roll back: what was written is there. I4 and
I6 hold by the version object instead: it is read before the table, claimed before the first write,
and swapped at the end, each on condition that nobody else has in between.
"""

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Final, Protocol
from uuid import UUID

from compactor.index import Index
from compactor.server.version import Claim, ServerVersion, check_identity, read_version
from compactor.snapshot.store import Absent, FetchedManifest, NotModified
from compactor.snapshot.working_copy import Published
from receipt_sync.clock import Clock
from receipt_sync.deadline import Deadline
from receipt_sync.errors import SnapshotDamagedError, UnsettledError
from receipt_sync.keys import Collection

_MARGIN: Final = timedelta(seconds=60)
"""Clocks differ, and a server may work on a request whose sender is gone."""


class VersionStore(Protocol):
    """The one manifest of a collection (snapshot.store.SnapshotStore)."""

    def manifest(self, known_etag: str | None) -> FetchedManifest | NotModified | Absent: ...

    def swap_manifest(self, data: bytes, expected_etag: str | None) -> str: ...


class RemoteIndex(Index, Protocol):
    """An index that other workers write to at the same time."""

    unanswered: bool

    @property
    def collection_id(self) -> UUID: ...


OpenIndex = Callable[[bool], RemoteIndex]
"""Opens the collection; True: it may be made."""


class ServerTarget:
    """Checkout, claim, publish, discard. One process, one thread at a time."""

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

    def begin(self, deadline: Deadline) -> None:
        """To be called before a checkout: what this cycle writes, it writes before the deadline."""
        left = timedelta(seconds=max(0.0, deadline.remaining()))
        self._until = self._clock.now() + left + _MARGIN

    def checkout(self) -> Index:
        """The collection as it is. Raises SnapshotDamagedError, IndexUnavailableError.

        The version is read before the index, so that whoever writes in between is noticed.
        """
        self._read_version()
        published = self._version is not None and self._version.version > 0
        if self._index is None:
            self._index = self._open_index(not published)
        if self._version is None and self._index.count():
            self._read_version()  # a claim is there before the first record, so one may have come
            if self._version is None:
                raise _lost(self._collection)
        self._version = _bound(self._version, self._collection, self._index.collection_id)
        return self._index

    def mark_dirty(self) -> None:
        """Claim the collection before the first write. After PublishRefusedError write nothing."""
        claim = Claim(cycle=self._cycle, until=self._until)
        self._swap(self._checked_out.claimed(claim, self._clock.now()))

    def publish(self, record_count: int | None) -> Published:
        """Swap the version, on condition that the one checked out is still the last.

        Raises PublishRefusedError if it is not, and UnsettledError, after the swap, if another
        worker may still write: the messages must come back and be compared once more.
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
        """Forget what was checked out. What was written stays, until its messages return."""
        index, self._index = self._index, None
        self._etag, self._version = None, None
        if index is not None:
            if index.unanswered:  # our claim holds on, as if it were another's
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
        f"the manifest of {collection} is gone, and the server's collection has records: restore "
        "the object from the bucket's versions; to begin anew, delete the server's collection and "
        "run `receipt-sync repair`"
    )


def _bound(
    known: ServerVersion | None, collection: Collection, collection_id: UUID
) -> ServerVersion:
    """The version of the server's very collection; before the first publish, of the one found."""
    if known is None:
        return ServerVersion(collection=collection, collection_id=collection_id)
    if known.version == 0:
        return known.model_copy(update={"collection_id": collection_id})
    check_identity(known, collection_id)
    return known
