"""The comparison of the table with the published index, record by record, field by field (I1).

The expected content of a record comes from the compactor's own projection. Both sides are streamed.
A scan of the table yields the items of one image at a time. The index yields their records by id.
The memory depends on the largest image, and not on the table.

The table and the index may change meanwhile. With a `Patience`, a difference counts only if it
lasts (receipt_ops.verification.suspects).
"""

from collections import abc
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Final, Protocol

from compactor.cycle.projection import ALL, Item, Items, delta_of, neighbourhood
from receipt_index.deltas import Vectors
from receipt_index.records import Record
from receipt_ops.terminal.unexpected import machine_fault
from receipt_ops.verification.comparison import Comparison, compare
from receipt_ops.verification.images import Image, chunks, images
from receipt_ops.verification.scope import Scope, WholeTable
from receipt_ops.verification.suspects import Outcome, Patience, Place, Suspects
from receipt_ops.verification.verdict import FAULTS, CollectionCounts, Example, Finding, Verdict
from receipt_sync.clock import Clock
from receipt_sync.deadline import Deadline
from receipt_sync.errors import IndexFailedError, MalformedKeyError
from receipt_sync.keys import Collection, EntityKey, parse_chroma_id

LONGEST_SECONDS: Final = 24 * 3600.0
"""The longest time for which DynamoDB may throttle the reads of one verification."""
_IDS_A_READ: Final = 1_000

Advance = Callable[[int], None]
Newer = Callable[[Collection, Mapping[str, str]], Mapping[str, str]]
"""Maps record id → its delta ("" if unknown) to record id → a newer delta."""
Sink = Callable[[Example], None]
"""Receives every fault."""


class Table(Protocol):
    """The strongly consistent table. A scan returns the items of a partition key together."""

    def scan(self, deadline: Deadline) -> Iterator[tuple[EntityKey, Item]]: ...

    def get(
        self, keys: abc.Collection[EntityKey], deadline: Deadline
    ) -> dict[EntityKey, Item | None]: ...


class Snapshot(Protocol):
    """One published collection."""

    @property
    def version(self) -> int: ...

    @property
    def is_fixed(self) -> bool:
        """Return whether it shows one version until a refresh. A server's collection may change."""
        ...

    @property
    def published_at(self) -> datetime | None: ...

    @property
    def elements(self) -> int | None: ...

    def get(self, ids: Sequence[str]) -> dict[str, Record]: ...

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]: ...

    def ids(self) -> Iterator[str]: ...

    def count(self) -> int: ...


class Verification:
    """Compares the table, or a part of it, with the index. A caller may repeat `run`.

    `examples` is the most examples of each kind. `advance` receives the number of compared
    entities, and `found` every fault. Without `patience`, a difference counts at the first look, so
    table and index must not change meanwhile. `newer` returns the newest delta of each record that
    holds an older one. Without it, the verification does not find lost vectors.
    """

    def __init__(  # noqa: PLR0913 The inputs, the options, and the receivers of results.
        self,
        table: Table,
        snapshots: Mapping[Collection, Snapshot],
        clock: Clock,
        examples: int,
        advance: Advance = lambda _: None,
        scope: Scope | None = None,
        found: Sink = lambda _: None,
        *,
        patience: Patience | None = None,
        newer: Newer = lambda *_: {},
    ) -> None:
        self._table, self._snapshots, self._clock = table, snapshots, clock
        self._examples, self._advance, self._found = examples, advance, found
        self._scope = scope or WholeTable(table)
        self._patience, self._newer = patience, newer

    def run(self) -> Verdict:
        """Compare all in scope. Raises DisorderedScanError, TableReadError, IndexFailedError."""
        begun = self._clock.monotonic()
        deadline = Deadline(self._clock, LONGEST_SECONDS)
        verdict = Verdict({name: CollectionCounts() for name in self._snapshots}, [])
        self._describe(verdict)
        suspects = Suspects(self._clock, self._patience) if self._patience else None
        for image in chunks(images(self._scope.entities(deadline))):
            verdict.items += len(image)
            for collection in self._snapshots:
                self._compare(verdict, collection, image, suspects)
        for collection in self._snapshots:
            self._find_unexpected(verdict, collection, deadline, suspects)
        if suspects is not None:
            self._decide(verdict, suspects, deadline)
            self._describe(verdict)
        verdict.seconds = self._clock.monotonic() - begun
        return verdict

    def _describe(self, verdict: Verdict) -> None:
        """Note which versions are compared. A second look may have moved to newer ones."""
        for collection, snapshot in self._snapshots.items():
            counts = verdict.counts[collection]
            counts.version = snapshot.version
            counts.published_at = snapshot.published_at
            counts.records = snapshot.count() if snapshot.version > 0 else 0
            counts.elements = snapshot.elements

    def _compare(
        self, verdict: Verdict, collection: Collection, image: Image, suspects: Suspects | None
    ) -> None:
        keys = [key for key in image if key.collection is collection]
        for key, comparison in self._compared(collection, keys, image).items():
            place = Place(collection, key.chroma_id, key)
            self._note(verdict, place, comparison, suspects)
        self._advance(len(keys))

    def _compared(
        self, collection: Collection, keys: Sequence[EntityKey], items: Items
    ) -> dict[EntityKey, Comparison]:
        """Compare entities that have an item with their records."""
        snapshot = self._snapshots[collection]
        ids = [key.chroma_id for key in keys]
        records = snapshot.get(ids) if snapshot.version else {}
        bare = without_vector(snapshot, list(records))
        held = {i: delta_of(record.metadata) for i, record in records.items()}
        newer = self._newer(collection, held)
        return {
            key: compare(key, items, records.get(i), has_vector=i not in bare, newer=newer.get(i))
            for key, i in zip(keys, ids, strict=True)
        }

    def _find_unexpected(
        self,
        verdict: Verdict,
        collection: Collection,
        deadline: Deadline,
        suspects: Suspects | None,
    ) -> None:
        """Find records without an item.

        In a fixed version the counts give their number, so the function skips the search for 0. In
        a collection that changes meanwhile, the counts prove nothing.
        """
        counts, snapshot = verdict.counts[collection], self._snapshots[collection]
        if not snapshot.version or (snapshot.is_fixed and not self._unmatched(counts)):
            return
        ids = filter(self._scope.covers, snapshot.ids())
        for chroma_id, key in self._without_item(collection, ids, deadline):
            place = Place(collection, chroma_id, key)
            self._note(verdict, place, Comparison(Finding.UNEXPECTED), suspects)

    def _unmatched(self, counts: CollectionCounts) -> bool:
        """Return whether the version may hold records without an item in the scan."""
        return counts.records > counts.matched

    def _without_item(
        self, collection: Collection, ids: Iterator[str], deadline: Deadline
    ) -> Iterator[tuple[str, EntityKey | None]]:
        while some := list(islice(ids, _IDS_A_READ)):
            keys = {chroma_id: _key_of(chroma_id, collection) for chroma_id in some}
            found = self._table.get([key for key in keys.values() if key], deadline)
            for chroma_id, key in keys.items():
                if key is None or found[key] is None:
                    yield chroma_id, key

    def _decide(self, verdict: Verdict, suspects: Suspects, deadline: Deadline) -> None:
        def look(collection: Collection, places: Sequence[Place]) -> dict[str, Comparison | None]:
            return self._looked_at(collection, places, deadline)

        for outcome in suspects.outcomes(look):
            self._settle(verdict, outcome)
        for collection, counts in verdict.counts.items():
            snapshot = self._snapshots[collection]
            counts.version, counts.published_at = snapshot.version, snapshot.published_at

    def _looked_at(
        self, collection: Collection, places: Sequence[Place], deadline: Deadline
    ) -> dict[str, Comparison | None]:
        """Read some items and records again and compare them. None: neither exists."""
        keys = [place.key for place in places if place.key is not None]
        needed = {each for key in keys for each in neighbourhood(key, ALL)}
        items = self._table.get(needed, deadline)
        there = [key for key in keys if items[key] is not None]
        found: dict[str, Comparison | None] = {
            key.chroma_id: comparison
            for key, comparison in self._compared(collection, there, items).items()
        }
        snapshot = self._snapshots[collection]
        bare = [place.id for place in places if place.id not in found]
        records = snapshot.get(bare) if snapshot.version and bare else {}
        for chroma_id in bare:
            unexpected = Comparison(Finding.UNEXPECTED) if chroma_id in records else None
            found[chroma_id] = unexpected
        return found

    def _note(
        self,
        verdict: Verdict,
        place: Place,
        comparison: Comparison,
        suspects: Suspects | None,
    ) -> None:
        counts, finding = verdict.counts[place.collection], comparison.finding
        if finding in (Finding.EQUAL, Finding.DIFFERENT):
            counts.matched += 1
        if suspects is not None and finding in FAULTS:
            if suspects.add(place, comparison):
                return
            verdict.unchecked += 1
        self._count(verdict, place, comparison)

    def _settle(self, verdict: Verdict, outcome: Outcome) -> None:
        if outcome.undecided:
            verdict.changing += 1
        elif outcome.comparison is not None:
            self._count(verdict, outcome.suspect.place, outcome.comparison)

    def _count(self, verdict: Verdict, place: Place, comparison: Comparison) -> None:
        counts, finding = verdict.counts[place.collection], comparison.finding
        counts.findings[finding] += 1
        counts.stale += comparison.stale
        if finding is Finding.EQUAL:
            return
        example = Example(finding, place.collection, place.id, comparison.fields)
        if verdict.total(finding) <= self._examples:
            verdict.examples.append(example)
        if finding in FAULTS:
            self._found(example)


def without_vector(snapshot: Snapshot, ids: Sequence[str]) -> set[str]:
    """Return the records that have no vector, so that a search cannot find them.

    Chroma keeps records and vectors in different files, so damage can leave a record without a
    vector. Chroma then fails the whole call. This function halves the call until it finds them.
    """
    if not ids:
        return set()
    try:
        return set(ids) - set(snapshot.vectors(ids))
    except IndexFailedError as error:
        # A full disk, or too few open files, makes every call fail. Halving would take minutes and
        # report sound records.
        if machine_fault(error) is not None:
            raise
        if len(ids) == 1:
            return set(ids)
    middle = len(ids) // 2
    return without_vector(snapshot, ids[:middle]) | without_vector(snapshot, ids[middle:])


def _key_of(chroma_id: str, collection: Collection) -> EntityKey | None:
    """Return the entity of a record; None for an id that no entity of this collection can have."""
    try:
        key = parse_chroma_id(chroma_id)
    except MalformedKeyError:
        return None
    return key if key.collection is collection else None
