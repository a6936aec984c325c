"""Decide whether a new generation is due, make it if there is room, and report the result.

A failed or postponed rebuild changes nothing: the cycle publishes its writes as usual. So a rebuild
never blames a message for a fault of the index.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from receipt_index.records import Index
from receipt_index.snapshot.copies.base import BASE_MEMORY, names_of_base
from receipt_index.snapshot.copies.generation import compare, fill
from receipt_index.snapshot.copies.progress import OnProgress, ignore_progress
from receipt_index.snapshot.copies.rebasing import Room, lacking
from receipt_index.snapshot.format.bloat import is_due
from receipt_index.snapshot.format.manifest import elements_of
from receipt_index.snapshot.format.pages import list_files
from receipt_sync.clock import Clock
from receipt_sync.errors import (
    DeadlineNearError,
    IndexFailedError,
    IndexUnavailableError,
    ReadBackError,
)
from receipt_sync.keys import Collection

RETRY_AFTER: Final = 3_600.0
"""Seconds without another try in this process after a rebuild has failed."""
_RECORDS_A_SECOND: Final = 800
_NUMBERS_A_SECOND: Final = 100_000
"""Both figures together are a fifth of what one processor copies and compares in a second: 1,300
records of 256 dimensions.
"""
_RESERVE: Final = 10.0
"""Seconds that a rebuild leaves for the publish of a pack, if it has to be given up."""
_SPARE_MEMORY: Final = 64 * 2**20
_DATABASE: Final = "chroma.sqlite3"

OpenIndex = Callable[[Path, Collection], Index]


@dataclass(frozen=True)
class RebuildSettings:
    """How rebuilds are made. A `forced` rebuild is made whether it is due or not.

    A forced rebuild raises its errors, because somebody waits for it.
    """

    forced: bool = False
    on_progress: OnProgress = ignore_progress


class Rebuilt(NamedTuple):
    """A new generation: its records, and the elements that the index had before."""

    records: int
    elements: int


class Attempt(NamedTuple):
    """A new generation that was made, or the reason why it has to wait, or neither."""

    made: Rebuilt | None = None
    postponed: str | None = None


@dataclass(frozen=True)
class Present:
    """The copy whose generation is to be replaced."""

    index: Index
    folder: Path
    record_count: int
    room: Room
    being_deleted: Callable[[], frozenset[str]]
    """Returns the names of the objects that no new base may need."""


class Rebuilding:
    """Makes new generations of one collection under `folder`, which exists only meanwhile."""

    def __init__(
        self,
        collection: Collection,
        folder: Path,
        open_index: OpenIndex,
        clock: Clock,
        settings: RebuildSettings,
    ) -> None:
        self._collection, self.folder, self._open_index = collection, folder, open_index
        self._clock, self._settings = clock, settings
        self._not_before = 0.0
        self._failure = ""

    def attempt(self, present: Present) -> Attempt:
        """Make a new generation under `folder` if one is due and there is room for it."""
        elements = elements_of(_sizes(present.folder))
        if self._settings.forced:
            return Attempt(self._make(present, elements))
        if not is_due(elements, present.record_count):
            return Attempt()
        if self._clock.monotonic() < self._not_before:
            return Attempt(postponed=self._failure)
        try:
            return self._try(present, elements)
        except DeadlineNearError:
            self._fail("a rebuild took longer than expected")
        except (IndexFailedError, ReadBackError, OSError) as error:
            # The text of an error may name a path or a record. The type is enough for a metric.
            self._fail(f"a rebuild failed: {type(error).__name__}")
        return Attempt(postponed=self._failure)

    def discard(self) -> None:
        """Remove what a rebuild has left."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _try(self, present: Present, elements: int) -> Attempt:
        if not is_due(elements, present.index.count()):
            return Attempt()
        lacks = _lacking(present) or lacking(present.folder, present.room)
        if lacks is not None:
            return Attempt(postponed=lacks)
        made = self._make(present, elements)
        lacks = lacking(self.folder, present.room)
        names = present.being_deleted()
        if lacks is None and names and not names.isdisjoint(names_of_base(self.folder)):
            lacks = "a new generation needs objects that are being deleted"
        if lacks is not None:
            self.discard()
            self._fail(lacks)
            return Attempt(postponed=lacks)
        return Attempt(made)

    def _make(self, present: Present, elements: int) -> Rebuilt:
        """Fill a new index, open it again, and compare it with the present one."""
        self.discard()
        self.folder.mkdir(parents=True)
        try:
            check = _check(present.room)
            records = self._filled(present.index, check)
            target = self._open_index(self.folder, self._collection)
            try:
                compare(present.index, target, check)
            finally:
                target.close()
        except BaseException:
            self.discard()
            raise
        return Rebuilt(records, elements)

    def _filled(self, source: Index, check: Callable[[], None]) -> int:
        target = self._open_index(self.folder, self._collection)
        try:
            return fill(source, target, check, self._settings.on_progress)
        finally:
            target.close()

    def _fail(self, reason: str) -> None:
        """Postpone the next try, because this one has already cost its time."""
        self._failure = reason
        self._not_before = self._clock.monotonic() + RETRY_AFTER


def replace_files(new: Path, present: Path) -> None:
    """Put the files of a new generation in the place of the present ones.

    Both indexes must be closed. Raises IndexUnavailableError, because no message is the cause. The
    caller then discards the copy.
    """
    try:
        shutil.rmtree(present)
        new.rename(present)
    except OSError as error:
        raise IndexUnavailableError(
            f"a new generation could not take its place: {type(error).__name__}"
        ) from error


def _check(room: Room) -> Callable[[], None]:
    def check() -> None:
        if room.deadline is not None:
            room.deadline.check("rebuild the index", _RESERVE)

    return check


def _lacking(present: Present) -> str | None:
    """Return the time, memory or disk that a rebuild lacks, as text; None if it lacks nothing."""
    deadline, free_memory = present.room
    sizes = _sizes(present.folder)
    seconds = _RESERVE + _seconds(present)
    if deadline is not None and deadline.remaining() < seconds:
        return f"a rebuild needs {seconds:.0f} s, but {deadline.remaining():.0f} s are left"
    graph = sum(size for name, size in sizes.items() if name != _DATABASE)
    memory, free = 3 * graph + _SPARE_MEMORY + BASE_MEMORY, free_memory()
    if free < memory:
        return f"a rebuild needs {memory >> 20} MiB of memory, but {free >> 20} MiB are free"
    disk, free = 2 * sum(sizes.values()), shutil.disk_usage(present.folder).free
    if free < disk:
        return f"a rebuild needs {disk >> 20} MiB of disk, but {free >> 20} MiB are free"
    return None


def _seconds(present: Present) -> float:
    records = present.record_count
    numbers = records * (present.index.dimension() or 0)
    return records / _RECORDS_A_SECOND + numbers / _NUMBERS_A_SECOND


def _sizes(folder: Path) -> dict[str, int]:
    return {name: path.stat().st_size for name, path in list_files(folder).items()}
