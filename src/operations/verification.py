"""Compares the table with the published snapshot, record by record and field by field (I1).

What a record should hold comes from the same projection that the compactor writes by. Both sides
are streamed: an image's items at a time from a scan of the table, their records by id from the
snapshot, so that memory follows the largest image and not the table.
"""

from collections import abc
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Final, Protocol

from compactor.deltas import Vectors
from compactor.index import Record
from compactor.projection import Item
from operations.comparison import Comparison, compare
from operations.images import Image, chunks, images
from operations.scope import Scope, WholeTable
from operations.verdict import FAULTS, Example, Finding, Tally, Verdict
from receipt_sync.clock import Clock
from receipt_sync.deadline import Deadline
from receipt_sync.errors import IndexFailedError, MalformedKeyError
from receipt_sync.keys import Collection, EntityKey, parse_chroma_id

LONGEST_SECONDS: Final = 24 * 3600.0
"""How long the reads of one verification may be throttled before it gives up."""
_IDS_A_READ: Final = 1_000

Advance = Callable[[int], None]
Sink = Callable[[Example], None]
"""Is told of every fault."""


class Table(Protocol):
    """The table, strongly consistent. A scan gives the items of one partition key in a row."""

    def scan(self, deadline: Deadline) -> Iterator[tuple[EntityKey, Item]]: ...

    def get(
        self, keys: abc.Collection[EntityKey], deadline: Deadline
    ) -> dict[EntityKey, Item | None]: ...


class Snapshot(Protocol):
    """One collection's published version, which stays the same while it is verified."""

    @property
    def version(self) -> int: ...

    @property
    def published_at(self) -> datetime | None: ...

    def get(self, ids: Sequence[str]) -> dict[str, Record]: ...

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]: ...

    def ids(self) -> Iterator[str]: ...

    def count(self) -> int: ...


class Verification:
    """One comparison of the table, or of a part of it; `run` may be called again.

    `examples` is the most to be kept of each kind; `advance` is told of every entity compared, and
    `found` of every fault.
    """

    def __init__(
        self,
        table: Table,
        snapshots: Mapping[Collection, Snapshot],
        clock: Clock,
        examples: int,
        advance: Advance = lambda _: None,
        scope: Scope | None = None,
        found: Sink = lambda _: None,
    ) -> None:
        self._table, self._snapshots, self._clock = table, snapshots, clock
        self._examples, self._advance, self._found = examples, advance, found
        self._scope = scope or WholeTable(table)

    def run(self) -> Verdict:
        """Compare all in scope. Raises DisorderedScanError, TableReadError, IndexFailedError."""
        begun = self._clock.monotonic()
        deadline = Deadline(self._clock, LONGEST_SECONDS)
        verdict = Verdict({name: _tally(snap) for name, snap in self._snapshots.items()}, [])
        for image in chunks(images(self._scope.entities(deadline))):
            for collection in self._snapshots:
                self._compare(verdict, collection, image)
        for collection in self._snapshots:
            self._find_unexpected(verdict, collection, deadline)
        verdict.seconds = self._clock.monotonic() - begun
        return verdict

    def _compare(self, verdict: Verdict, collection: Collection, image: Image) -> None:
        keys = [key for key in image if key.collection is collection]
        tally = verdict.tallies[collection]
        ids = [key.chroma_id for key in keys]
        records = self._snapshots[collection].get(ids) if tally.version else {}
        bare = without_vector(self._snapshots[collection], list(records))
        for key in keys:
            chroma_id = key.chroma_id
            comparison = compare(
                key, image, records.get(chroma_id), has_vector=chroma_id not in bare
            )
            self._note(verdict, collection, chroma_id, comparison)
        self._advance(len(keys))

    def _find_unexpected(
        self, verdict: Verdict, collection: Collection, deadline: Deadline
    ) -> None:
        """Records without an item. In the whole table their number is known beforehand."""
        tally = verdict.tallies[collection]
        unexplained = tally.records - tally.findings[Finding.EQUAL]
        unexplained -= tally.findings[Finding.DIFFERENT]
        if unexplained > 0:
            ids = filter(self._scope.covers, self._snapshots[collection].ids())
            found = self._without_item(collection, ids, deadline)
            most = unexplained if self._scope.is_whole else None
            for chroma_id in islice(found, most):
                self._note(verdict, collection, chroma_id, Comparison(Finding.UNEXPECTED))

    def _without_item(
        self, collection: Collection, ids: Iterator[str], deadline: Deadline
    ) -> Iterator[str]:
        while some := list(islice(ids, _IDS_A_READ)):
            keys = {chroma_id: _key_of(chroma_id, collection) for chroma_id in some}
            found = self._table.get([key for key in keys.values() if key], deadline)
            for chroma_id, key in keys.items():
                if key is None or found[key] is None:
                    yield chroma_id

    def _note(
        self, verdict: Verdict, collection: Collection, chroma_id: str, comparison: Comparison
    ) -> None:
        tally, finding = verdict.tallies[collection], comparison.finding
        tally.findings[finding] += 1
        tally.stale += comparison.stale
        if finding is Finding.EQUAL:
            return
        example = Example(finding, collection, chroma_id, comparison.fields)
        if verdict.total(finding) <= self._examples:
            verdict.examples.append(example)
        if finding in FAULTS:
            self._found(example)


def without_vector(snapshot: Snapshot, ids: Sequence[str]) -> set[str]:
    """Those of the records that can't be searched for.

    Chroma keeps records and vectors in different files, so damage can leave one without the other.
    It then fails a call as a whole, and the call is halved until the records are found.
    """
    if not ids:
        return set()
    try:
        return set(ids) - set(snapshot.vectors(ids))
    except IndexFailedError:
        if len(ids) == 1:
            return set(ids)
    middle = len(ids) // 2
    return without_vector(snapshot, ids[:middle]) | without_vector(snapshot, ids[middle:])


def _tally(snapshot: Snapshot) -> Tally:
    published = snapshot.version > 0
    return Tally(
        version=snapshot.version,
        published_at=snapshot.published_at,
        records=snapshot.count() if published else 0,
    )


def _key_of(chroma_id: str, collection: Collection) -> EntityKey | None:
    """The entity of a record; None for an id that no entity of this collection can have."""
    try:
        key = parse_chroma_id(chroma_id)
    except MalformedKeyError:
        return None
    return key if key.collection is collection else None
