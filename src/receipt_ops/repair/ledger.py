"""The faults that a repair has found and the messages that it will send, in a temporary file.

After the loss of a collection, each of its records is a fault. So the faults lie on disk, and the
memory does not grow with their number. The file is a temporary database of SQLite, and is gone when
the process ends.
"""

import sqlite3
from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

from receipt_ops.repair.remedies import Fault, Remedy
from receipt_sync.keys import Collection

A_PAGE: Final = 1_000
_TABLES: Final = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -16384;
CREATE TABLE fault (remedy TEXT, collection TEXT, id TEXT, reason TEXT);
CREATE INDEX by_remedy ON fault (remedy);
CREATE TABLE resend (
    collection TEXT, delta TEXT, vectors INTEGER, PRIMARY KEY (collection, delta)
) WITHOUT ROWID;
CREATE TABLE renew (
    collection TEXT, delta TEXT, id TEXT, PRIMARY KEY (collection, delta, id)
) WITHOUT ROWID;
"""


class Ledger:
    """Stores faults by remedy, deltas to send again, and rows to send as new deltas."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.executescript(_TABLES)

    def close(self) -> None:
        """Delete the temporary file."""
        self._database.close()

    def note(self, *faults: Fault) -> None:
        """Store faults."""
        self._database.executemany("INSERT INTO fault VALUES (?, ?, ?, ?)", faults)

    def note_resend(self, collection: Collection, delta_id: str, vectors: int) -> None:
        """Store a delta that the repair will send again unchanged."""
        row = (collection, delta_id, vectors)
        self._database.execute("INSERT OR IGNORE INTO resend VALUES (?, ?, ?)", row)

    def note_renew(self, collection: Collection, delta_id: str, chroma_id: str) -> None:
        """Store a record whose row of a delta the repair will send as a new delta."""
        row = (collection, delta_id, chroma_id)
        self._database.execute("INSERT OR IGNORE INTO renew VALUES (?, ?, ?)", row)

    def count(self, remedy: Remedy, collection: Collection | None = None) -> int:
        """Return the number of faults with a remedy."""
        query = "SELECT COUNT(*) FROM fault WHERE remedy = ? AND (? IS NULL OR collection = ?)"
        return self._number(query, remedy, collection, collection)

    def faults(self, remedy: Remedy, collection: Collection | None = None) -> Iterator[Fault]:
        """Yield the faults with a remedy, in the order of their notes."""
        for page in self.pages(remedy, collection):
            yield from page

    def pages(self, remedy: Remedy, collection: Collection | None = None) -> Iterator[list[Fault]]:
        """Yield the faults with a remedy, a thousand at a time; callers may note more meanwhile."""
        query = (
            "SELECT rowid, * FROM fault WHERE remedy = ? AND (? IS NULL OR collection = ?) "
            "AND rowid > ? ORDER BY rowid LIMIT ?"
        )
        last = 0
        while rows := self._rows(query, remedy, collection, collection, last, A_PAGE):
            yield [Fault(Remedy(r), Collection(c), i, why) for _, r, c, i, why in rows]
            last = rows[-1][0]

    @property
    def resends(self) -> int:
        """Return the number of deltas to send again."""
        return self._number("SELECT COUNT(*) FROM resend")

    @property
    def renewals(self) -> int:
        """Return the number of deltas from which the repair makes new deltas."""
        return self._number("SELECT COUNT(*) FROM (SELECT DISTINCT collection, delta FROM renew)")

    def resend_pages(self) -> Iterator[list[tuple[Collection, str, int]]]:
        """Yield the deltas to send again, a thousand at a time, oldest first."""
        last = ("", "")
        query = (
            "SELECT * FROM resend WHERE (collection, delta) > (?, ?) "
            "ORDER BY collection, delta LIMIT ?"
        )
        while rows := self._rows(query, *last, A_PAGE):
            yield [(Collection(c), delta, vectors) for c, delta, vectors in rows]
            last = rows[-1][:2]

    def renewed(self) -> Iterator[tuple[Collection, str, list[str]]]:
        """Yield each delta that has rows to renew, with the record ids of these rows."""
        rows = self._database.execute("SELECT * FROM renew ORDER BY collection, delta")
        for (collection, delta), group in groupby(rows, key=lambda row: (row[0], row[1])):
            yield Collection(collection), delta, [row[2] for row in group]

    def _number(self, query: str, *arguments: Any) -> int:
        return int(self._rows(query, *arguments)[0][0])

    def _rows(self, query: str, *arguments: Any) -> list[Any]:
        return self._database.execute(query, arguments).fetchall()
