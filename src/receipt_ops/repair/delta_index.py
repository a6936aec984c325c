"""An index of the bucket's deltas and the records that each holds, in a temporary file.

A collection may have millions of records, so the index lies on disk. The file is a temporary
database of SQLite: it has no name, and it is gone when the process ends.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, Final, NamedTuple, Protocol

from receipt_ops.repair.outline import Outline
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

LISTED, READ, SOUND, OTHER, REFUSED = "listed", "read", "sound", "other", "refused"
"""States of a delta.

Its name is listed, its outline is read, it can be applied, it has another dimension than its
collection, or its object is broken.
"""


class StoredDelta(NamedTuple):
    """Holds the id of a delta object and its size in bytes."""

    id: str
    size: int


class Outlines(Protocol):
    """A source of the names and outlines of delta objects."""

    def listed(self, collection: Collection) -> Iterator[StoredDelta]: ...

    def outline(self, collection: Collection, delta: StoredDelta) -> Outline: ...


class DeltaIndex:
    """Reads the outline of each delta once, newest first, as far back as a caller asks for."""

    def __init__(self, objects: Outlines) -> None:
        self._objects = objects
        self._database = sqlite3.connect("")
        self._database.executescript(_TABLES)

    def close(self) -> None:
        """Delete the temporary file."""
        self._database.close()

    def refresh(self, collection: Collection) -> None:
        """Add the names of deltas that the bucket holds by now."""
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

        The result leaves out deltas whose object is known to be broken. Deltas that `cover` has not
        read are missing without an error.
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

    def lists(self, collection: Collection, delta_ids: Iterable[str]) -> set[str]:
        """Return those of some ids that name an object of the last listing."""
        query = "SELECT id FROM delta WHERE collection = ? AND id IN ({})"
        found: set[str] = set()
        for some in _slices(delta_ids, _IDS_A_QUERY):
            marks = ", ".join("?" * len(some))
            found |= {row[0] for row in self._rows(query.format(marks), collection, *some)}
        return found

    def state(self, collection: Collection, delta_id: str) -> str:
        """Return the state of a delta."""
        ((state,),) = self._rows(
            "SELECT state FROM delta WHERE collection = ? AND id = ?", collection, delta_id
        )
        return str(state)

    def judge(self, collection: Collection, delta_id: str, state: str) -> None:
        """Remember whether a delta can be applied: SOUND, OTHER or REFUSED."""
        self._database.execute(
            "UPDATE delta SET state = ? WHERE collection = ? AND id = ?",
            (state, collection, delta_id),
        )

    def vectors(self, collection: Collection, delta_id: str) -> int:
        """Return the number of vectors of a delta. Its outline must have been read."""
        ((count,),) = self._rows(
            "SELECT vectors FROM delta WHERE collection = ? AND id = ?", collection, delta_id
        )
        return int(count)

    def dimension(self, collection: Collection, delta_id: str) -> int:
        """Return the dimension of a delta. Its outline must have been read."""
        ((dimension,),) = self._rows(
            "SELECT dimension FROM delta WHERE collection = ? AND id = ?", collection, delta_id
        )
        return int(dimension)

    def dimensions(self, collection: Collection) -> dict[int, int]:
        """Return the number of records that have a vector of each dimension.

        The function counts the deltas whose outline `cover` has read and that are not broken.
        """
        rows = self._rows(
            "SELECT dimension, COUNT(DISTINCT record) FROM holding JOIN delta "
            "ON delta.collection = holding.collection AND delta.id = holding.delta "
            "WHERE holding.collection = ? AND state != ? GROUP BY dimension ORDER BY dimension",
            collection,
            REFUSED,
        )
        return {int(dimension): int(count) for dimension, count in rows}

    def refused(self, collection: Collection) -> list[str]:
        """Return the ids of deltas that cannot be applied, oldest first."""
        query = "SELECT id FROM delta WHERE collection = ? AND state IN (?, ?) ORDER BY id"
        return [row[0] for row in self._rows(query, collection, OTHER, REFUSED)]

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
            self.judge(collection, delta.id, REFUSED)
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
