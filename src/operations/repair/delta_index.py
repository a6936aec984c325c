"""Which of the bucket's deltas hold which records, in a temporary file.

A collection may have millions of records, so what is known of them lies on disk. The file is
SQLite's own temporary one: it has no name, and is gone with the process.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, Final, NamedTuple, Protocol

from operations.repair.outline import Outline
from receipt_sync.errors import DeltaRefusedError
from receipt_sync.keys import Collection

_THREADS: Final = 8
_AT_A_TIME: Final = 16
_IDS_A_QUERY: Final = 500
_TABLES: Final = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -16384;
CREATE TABLE delta (
    collection TEXT, id TEXT, size INTEGER, state TEXT, vectors INTEGER, dimension INTEGER,
    PRIMARY KEY (collection, id)
) WITHOUT ROWID;
CREATE TABLE holding (
    collection TEXT, record TEXT, delta TEXT, PRIMARY KEY (collection, record, delta)
) WITHOUT ROWID;
"""

LISTED, READ, SOUND, REFUSED = "listed", "read", "sound", "refused"
"""States of a delta: known by name, by its outline, as one that applies, as one that does not."""


class StoredDelta(NamedTuple):
    """A delta object: its id and its size in bytes."""

    id: str
    size: int


class Outlines(Protocol):
    """The delta objects of a collection, as far as an index asks for them."""

    def listed(self, collection: Collection) -> Iterator[StoredDelta]: ...

    def outline(self, collection: Collection, delta: StoredDelta) -> Outline: ...


class DeltaIndex:
    """Reads the outlines of deltas, each once, the newest first, as far back as it is asked."""

    def __init__(self, objects: Outlines) -> None:
        self._objects = objects
        self._database = sqlite3.connect("")
        self._database.executescript(_TABLES)

    def close(self) -> None:
        """Drop the file."""
        self._database.close()

    def refresh(self, collection: Collection) -> None:
        """Learn the names of deltas that have come since."""
        rows = ((collection, d.id, d.size, LISTED) for d in self._objects.listed(collection))
        self._database.executemany(
            "INSERT OR IGNORE INTO delta VALUES (?, ?, ?, ?, NULL, NULL)", rows
        )

    def cover(self, collection: Collection, after: str) -> None:
        """Read the outline of every listed delta that is newer than `after`."""
        with ThreadPoolExecutor(_THREADS) as pool:
            while some := self._unread(collection, after):
                for delta, outline in pool.map(lambda d: self._outline(collection, d), some):
                    self._note(collection, delta, outline)

    def newer(self, collection: Collection, held: Mapping[str, str]) -> dict[str, list[str]]:
        """Return the deltas that hold a record and are newer than its own, newest first.

        Deltas that are known to be refused are left out. Raises nothing for what was not covered.
        """
        found: dict[str, list[str]] = {}
        query = (
            "SELECT record, delta FROM holding JOIN delta ON delta.collection = holding.collection "
            "AND delta.id = holding.delta WHERE holding.collection = ? AND record IN ({}) "
            "AND state != ? ORDER BY record, delta DESC"
        )
        for some in _slices(held, _IDS_A_QUERY):
            marks = ", ".join("?" * len(some))
            rows = self._rows(query.format(marks), collection, *some, REFUSED)
            for record, delta in rows:
                if delta > held[record]:
                    found.setdefault(record, []).append(delta)
        return found

    def state(self, collection: Collection, delta_id: str) -> str:
        """Return what is known of a delta."""
        ((state,),) = self._rows(
            "SELECT state FROM delta WHERE collection = ? AND id = ?", collection, delta_id
        )
        return str(state)

    def judge(self, collection: Collection, delta_id: str, *, sound: bool) -> None:
        """Remember whether a delta can be applied."""
        self._database.execute(
            "UPDATE delta SET state = ? WHERE collection = ? AND id = ?",
            (SOUND if sound else REFUSED, collection, delta_id),
        )

    def vectors(self, collection: Collection, delta_id: str) -> int:
        """Return how many vectors a delta holds whose outline was read."""
        ((count,),) = self._rows(
            "SELECT vectors FROM delta WHERE collection = ? AND id = ?", collection, delta_id
        )
        return int(count)

    def newest_dimension(self, collection: Collection) -> int | None:
        """Return the dimension of the newest delta that was read; None if none was."""
        rows = self._rows(
            "SELECT dimension FROM delta WHERE collection = ? AND dimension IS NOT NULL "
            "ORDER BY id DESC LIMIT 1",
            collection,
        )
        return int(rows[0][0]) if rows else None

    def refused(self, collection: Collection) -> list[str]:
        """Return the ids of deltas that can't be applied, the oldest first."""
        query = "SELECT id FROM delta WHERE collection = ? AND state = ? ORDER BY id"
        return [row[0] for row in self._rows(query, collection, REFUSED)]

    def _unread(self, collection: Collection, after: str) -> list[StoredDelta]:
        rows = self._rows(
            "SELECT id, size FROM delta WHERE collection = ? AND state = ? AND id > ? "
            "ORDER BY id DESC LIMIT ?",
            collection,
            LISTED,
            after,
            _AT_A_TIME,
        )
        return [StoredDelta(*row) for row in rows]

    def _outline(
        self, collection: Collection, delta: StoredDelta
    ) -> tuple[StoredDelta, Outline | None]:
        try:
            return delta, self._objects.outline(collection, delta)
        except DeltaRefusedError:
            return delta, None

    def _note(self, collection: Collection, delta: StoredDelta, outline: Outline | None) -> None:
        if outline is None or not outline.ids:
            self.judge(collection, delta.id, sound=False)
            return
        self._database.execute(
            "UPDATE delta SET state = ?, vectors = ?, dimension = ? "
            "WHERE collection = ? AND id = ?",
            (READ, len(outline.ids), outline.dimension, collection, delta.id),
        )
        rows = ((collection, record, delta.id) for record in outline.ids)
        self._database.executemany("INSERT OR IGNORE INTO holding VALUES (?, ?, ?)", rows)

    def _rows(self, query: str, *arguments: Any) -> list[Any]:
        return self._database.execute(query, arguments).fetchall()


def _slices(items: Iterable[str], size: int) -> Iterator[list[str]]:
    left = iter(items)
    while some := list(islice(left, size)):
        yield some
