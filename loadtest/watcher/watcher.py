"""Follows the published snapshots as any reader does, and finds when a change is visible."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from loadtest.watcher.expectations import Expectation, Sighting
from loadtest.watcher.outstanding import Outstanding
from receipt_index.records import Record
from receipt_sync.clock import Clock
from receipt_sync.keys import Collection


class Reader(Protocol):
    """A reader of one collection's published snapshot."""

    @property
    def version(self) -> int: ...

    def refresh(self) -> bool: ...

    def get(self, ids: Sequence[str]) -> dict[str, Record]: ...


class Watcher:
    """Takes expectations and passes sightings to `on_sighting`. `limit` is in seconds."""

    def __init__(
        self,
        readers: Mapping[Collection, Reader],
        clock: Clock,
        limit: float,
        on_sighting: Callable[[Sighting], None],
    ) -> None:
        self._readers, self._clock, self._on_sighting = readers, clock, on_sighting
        self._outstanding = Outstanding(limit)
        self._since = dict.fromkeys(readers, 0.0)

    def __len__(self) -> int:
        """Return how many actions are not visible yet."""
        return len(self._outstanding)

    def turn(self, arrived: Sequence[Expectation]) -> None:
        """Add the expectations that arrived, and check the snapshots once.

        Raises:
            SnapshotDamagedError: A snapshot is damaged.
            IndexFailedError: Chroma failed.
        """
        fresh: dict[Collection, list[str]] = defaultdict(list)
        for expectation in arrived:
            for collection, ids in self._outstanding.expect(expectation).items():
                fresh[collection] += ids
        for collection in self._readers:
            for sighting in self._check(collection, fresh[collection]):
                self._on_sighting(sighting)
        for sighting in self._outstanding.overdue(self._now()):
            self._on_sighting(sighting)

    def _check(self, collection: Collection, fresh: list[str]) -> Iterator[Sighting]:
        """Read the records with open demands after a new version, otherwise only the new ones.

        A version may be older than the expectation that it satisfies. Its sighting then has the
        time at which the reader began to serve the version.
        """
        reader = self._readers[collection]
        if reader.refresh():
            self._since[collection] = self._now()
            fresh = self._outstanding.ids(collection)
        if not fresh or not reader.version:
            return
        ids = list(dict.fromkeys(fresh))
        found = reader.get(ids)
        yield from self._outstanding.check(collection, ids, found, self._since[collection])

    def _now(self) -> float:
        return self._clock.now().timestamp()
