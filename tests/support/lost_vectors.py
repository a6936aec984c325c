"""Takes vectors out of a Chroma collection and leaves their records, as a fault of Chroma would."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from receipt_index.chroma import ChromaIndex
from receipt_index.chroma_rows import FILE
from receipt_sync.keys import Collection


def lose_vectors(
    folder: Path, ids: Sequence[str], collection: Collection = Collection.LINES
) -> None:
    """Delete the records by Chroma, and put their rows back. The collection must be closed."""
    with closing(sqlite3.connect(folder / FILE)) as connection:
        marks = ", ".join("?" * len(ids))
        rows = connection.execute(
            f"SELECT * FROM embeddings WHERE embedding_id IN ({marks})",
            list(ids),
        ).fetchall()
        values = [
            row
            for number, *_ in rows
            for row in connection.execute(
                "SELECT * FROM embedding_metadata WHERE id = ?", (number,)
            )
        ]
    index = ChromaIndex(folder, collection)
    index.delete(list(ids))
    index.close()
    with closing(sqlite3.connect(folder / FILE)) as connection, connection:
        for table, kept in (("embeddings", rows), ("embedding_metadata", values)):
            marks = ", ".join("?" * len(kept[0]))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", kept)
