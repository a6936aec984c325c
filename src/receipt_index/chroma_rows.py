"""Reads records from the SQLite file of Chroma's embedded engine, without Chroma.

Chroma's `get` takes four to eight times as long as SQLite itself, and cycles and searches wait for
it. So records are read from Chroma's tables. The tables are no public interface. Therefore they are
used only if the file has the schema version that this code knows.

A second copy of SQLite opens the file, because Chroma has one of its own. POSIX releases all locks
of a process on a file when any of its descriptors is closed
(https://www.sqlite.org/howtocorrupt.html, section 2.2.1). No lock is needed here: only this process
uses the folder, and Chroma is idle between its calls. A caller does not read during a write.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from receipt_index.records import Record
from receipt_sync.sequences import batches

FILE: Final = "chroma.sqlite3"
SCHEMA: Final[Mapping[str, int]] = {"metadb": 6, "sysdb": 10}
"""The newest migration of each part of the schema that these queries use, as in Chroma 1.5.9."""
_RECORDS_A_QUERY: Final = 1_000
_DOCUMENT: Final = "chroma:document"
_ROWS: Final = (
    "SELECT e.id, e.embedding_id FROM json_each(?) AS wanted CROSS JOIN embeddings AS e "
    "ON e.segment_id = ? AND e.embedding_id = wanted.value"
)
_VALUES: Final = (
    "SELECT m.id, m.key, coalesce(m.string_value, m.int_value, m.float_value, m.bool_value), "
    "m.bool_value FROM json_each(?) AS wanted CROSS JOIN embedding_metadata AS m "
    "ON m.id = wanted.value "
    "WHERE m.key < 'chroma:' OR m.key >= 'chroma;' OR m.key = 'chroma:document'"
)
"""SQLite plans these queries once. Each takes its ids as one JSON list, so the text is the same for
every number of ids.

Chroma keeps its own values under keys that begin with `chroma:`, and leaves them out of the
metadata. The last line compares with `chroma;`, the first text behind these keys.
"""


class StoredRecords:
    """The records of one collection. Several threads may read at the same time."""

    def __init__(self, connection: sqlite3.Connection, segment: str) -> None:
        self._connection, self._segment = connection, segment

    @classmethod
    def open(cls, folder: Path, collection_id: str) -> "StoredRecords | None":
        """Return the records of a collection that Chroma has opened in `folder`.

        Return None if the schema is another one, or if a value is a list. Then only Chroma can read
        the records. Raises sqlite3.Error.
        """
        uri = f"{(folder / FILE).resolve().as_uri()}?mode=ro"
        connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        try:
            segment = _segment(connection, collection_id) if _is_known(connection) else None
        except BaseException:
            connection.close()
            raise
        if segment is None:
            connection.close()
            return None
        return cls(connection, segment)

    def get(self, ids: Sequence[str]) -> dict[str, Record]:
        """Return the records that exist, by id. Raises sqlite3.Error."""
        found: dict[str, Record] = {}
        for some in batches(ids, _RECORDS_A_QUERY):
            found |= self._get(some)
        return found

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _get(self, ids: Sequence[str]) -> dict[str, Record]:
        rows = self._connection.execute(_ROWS, (json.dumps(list(ids)), self._segment)).fetchall()
        values: dict[int, dict[str, Any]] = {row: {} for row, _ in rows}
        found = self._connection.execute(_VALUES, (json.dumps(list(values)),))
        for row, key, value, boolean in found:  # the most frequent loop of a large cycle
            values[row][key] = value if boolean is None else bool(value)
        return {chroma_id: _record(chroma_id, values[row]) for row, chroma_id in rows}


def _record(chroma_id: str, values: dict[str, Any]) -> Record:
    document = values.pop(_DOCUMENT, None)
    return Record(chroma_id, values, document)


def _is_known(connection: sqlite3.Connection) -> bool:
    found = dict(connection.execute("SELECT dir, max(version) FROM migrations GROUP BY dir"))
    return all(found.get(part) == version for part, version in SCHEMA.items()) and not _has_lists(
        connection
    )


def _has_lists(connection: sqlite3.Connection) -> bool:
    """Return whether a value is a list. The compactor writes none."""
    return (
        connection.execute("SELECT 1 FROM embedding_metadata_array LIMIT 1").fetchone() is not None
    )


def _segment(connection: sqlite3.Connection, collection_id: str) -> str | None:
    query = "SELECT id FROM segments WHERE scope = 'METADATA' AND collection = ?"
    row = connection.execute(query, (collection_id,)).fetchone()
    return None if row is None else str(row[0])
