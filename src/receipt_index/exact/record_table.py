"""The SQLite file that maps records to rows, and digests to rows."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote

from receipt_index.exact.layout import FORMAT, RECORDS, ExactFilesError, Header
from receipt_sync.sequences import batches

UNREADABLE: Final = (sqlite3.Error, ValueError, TypeError, IndexError)
"""Errors of a damaged file: those of SQLite, and of values of another type than the schema's."""
_CACHE_KIB: Final = 4_096
_IDS_A_QUERY: Final = 512
_MARKS: Final = ",".join("?" * _IDS_A_QUERY)
_ROWS_OF: Final = f"SELECT id, row FROM records WHERE id IN ({_MARKS})"  # noqa: S608 only marks
_SCHEMA: Final = """
CREATE TABLE header (format INTEGER, dimension INTEGER, row_count INTEGER, record_count INTEGER);
CREATE TABLE records (id TEXT PRIMARY KEY, row INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX records_of_row ON records (row);
CREATE TABLE vectors (row INTEGER PRIMARY KEY, digest BLOB UNIQUE);
"""


class RecordTable:
    """The open file. `digest` is NULL for a row without a record."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make the file of a collection without records."""
        made = cls._writable(path)
        made._connection.executescript(_SCHEMA)
        made._execute("INSERT INTO header VALUES (?, 0, 0, 0)", FORMAT)
        return made

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file for writing. Opening changes nothing.

        Raises ExactFilesError if it is no SQLite file.
        """
        try:
            return cls._writable(path)
        except UNREADABLE as error:
            raise _unreadable(error) from error

    @classmethod
    def read_only(cls, path: Path) -> Self:
        """Open the file for reading. Any thread may use it, one at a time.

        Raises ExactFilesError if it is no SQLite file.
        """
        address = f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1"
        try:
            return cls(_connection(address))
        except UNREADABLE as error:
            raise _unreadable(error) from error

    @classmethod
    def _writable(cls, path: Path) -> Self:
        connection = _connection(f"file:{quote(str(path.resolve()))}")
        try:
            # A dirty copy is discarded (I6), so a journal would save nothing.
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("PRAGMA synchronous = OFF")
        except BaseException:
            connection.close()
            raise
        return cls(connection)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write what the block changes at its end. After an error, the file is unknown."""
        self._execute("BEGIN")
        yield
        self._execute("COMMIT")

    @property
    def header(self) -> Header:
        """Return the header. Raises ExactFilesError if the file can't be read."""
        try:
            found = self._execute("SELECT * FROM header").fetchall()
            (header,) = [Header(*(int(figure) for figure in row)) for row in found]
        except UNREADABLE as error:
            raise _unreadable(error) from error
        return header

    def set_header(self, header: Header) -> None:
        """Write the header."""
        self._execute(
            "UPDATE header SET format = ?, dimension = ?, row_count = ?, record_count = ?", *header
        )

    def row_of(self, chroma_id: str) -> int | None:
        """Return the row of a record; None if there is no such record."""
        return self._row("SELECT row FROM records WHERE id = ?", chroma_id)

    def row_of_digest(self, digest: bytes) -> int | None:
        """Return the row of a vector; None if no record has it."""
        return self._row("SELECT row FROM vectors WHERE digest = ?", digest)

    def free_row(self) -> int | None:
        """Return a row without a record; None if there is none."""
        return self._row("SELECT row FROM vectors WHERE digest IS NULL ORDER BY row LIMIT 1")

    def is_used(self, row: int) -> bool:
        """Return whether a record has this row."""
        return self._row("SELECT row FROM records WHERE row = ? LIMIT 1", row) is not None

    def put(self, chroma_id: str, row: int) -> None:
        """Give a record a row."""
        self._execute("INSERT OR REPLACE INTO records VALUES (?, ?)", chroma_id, row)

    def remove(self, chroma_id: str) -> None:
        """Remove a record."""
        self._execute("DELETE FROM records WHERE id = ?", chroma_id)

    def put_digest(self, row: int, digest: bytes | None) -> None:
        """Note the digest of a row's vector; None frees the row."""
        self._execute("INSERT OR REPLACE INTO vectors VALUES (?, ?)", row, digest)

    def clear(self) -> None:
        """Remove all records and rows."""
        self._execute("DELETE FROM records")
        self._execute("DELETE FROM vectors")

    def ids_of(self, row: int) -> Iterator[str]:
        """Yield the ids of a row's records in their order."""
        found = self._execute("SELECT id FROM records WHERE row = ? ORDER BY id", row)
        return (chroma_id for (chroma_id,) in found)

    def rows_of(self, ids: Sequence[str]) -> dict[str, int]:
        """Return the row of each record that exists."""
        found: dict[str, int] = {}
        for some in batches(ids, _IDS_A_QUERY):
            filled = [*some] + [some[0]] * (_IDS_A_QUERY - len(some))
            found.update(self._connection.execute(_ROWS_OF, filled))
        return found

    def records(self) -> Iterator[tuple[str, int]]:
        """Yield every record and its row."""
        yield from self._execute("SELECT id, row FROM records")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _row(self, query: str, *values: Any) -> int | None:
        found = self._execute(query, *values).fetchone()
        return None if found is None else int(found[0])

    def _execute(self, query: str, *values: Any) -> sqlite3.Cursor:
        return self._connection.execute(query, values)


def _unreadable(error: Exception) -> ExactFilesError:
    """Return the error for a file that can't be read."""
    return ExactFilesError(f"{RECORDS} can't be read ({type(error).__name__})")


def _connection(address: str) -> sqlite3.Connection:
    """Open a file without transactions of Python's own, for any thread."""
    connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    except BaseException:
        connection.close()
        raise
    return connection
