"""Keeps the derived files equal to the collection, one write after the other."""

from collections.abc import Iterable
from pathlib import Path
from typing import Self

from receipt_index.exact.layout import RECORDS, VECTORS, ExactFilesError, check
from receipt_index.exact.record_table import RecordTable
from receipt_index.exact.unit import Floats, digest, unit
from receipt_index.exact.vector_file import VectorFile


class ExactWriter:
    """The open files of a working copy. After an error, the copy must be discarded."""

    def __init__(self, folder: Path, table: RecordTable) -> None:
        self._path, self._table = folder / VECTORS, table
        self._header = table.header

    @classmethod
    def create(cls, folder: Path) -> Self:
        """Make the files of a collection without records."""
        folder.mkdir(parents=True)
        (folder / VECTORS).touch()
        return cls(folder, RecordTable.create(folder / RECORDS))

    @classmethod
    def open(cls, folder: Path, records: int) -> Self:
        """Open the files of a collection with this number of records. It writes nothing.

        Raises ExactFilesError if the files are missing, unreadable, or of another collection.
        """
        for name in (VECTORS, RECORDS):
            if not (folder / name).is_file():
                raise ExactFilesError(f"{name} is missing")
        table = RecordTable.open(folder / RECORDS)
        try:
            check(folder, table.header, records)
            return cls(folder, table)
        except BaseException:
            table.close()
            raise

    def insert(self, vectors: Iterable[tuple[str, Floats]]) -> None:
        """Add records. A record that exists already stays as it is, as in Chroma."""
        with self._table.transaction(), VectorFile(self._path) as file:
            for chroma_id, vector in vectors:
                if self._table.row_of(chroma_id) is None:
                    self._put(chroma_id, vector, file)
                    self._header = self._header._replace(records=self._header.records + 1)
            self._table.set_header(self._header)

    def replace(self, vectors: Iterable[tuple[str, Floats]]) -> None:
        """Give records another vector. Unknown records are left out, as in Chroma."""
        with self._table.transaction(), VectorFile(self._path) as file:
            for chroma_id, vector in vectors:
                before = self._table.row_of(chroma_id)
                if before is not None:
                    self._put(chroma_id, vector, file)
                    self._free_unused(before, file)
            self._table.set_header(self._header)

    def delete(self, ids: Iterable[str]) -> None:
        """Remove records. Unknown ids are left out, as in Chroma."""
        with self._table.transaction(), VectorFile(self._path) as file:
            for chroma_id in ids:
                before = self._table.row_of(chroma_id)
                if before is not None:
                    self._table.remove(chroma_id)
                    self._header = self._header._replace(records=self._header.records - 1)
                    self._free_unused(before, file)
            self._table.set_header(self._header)

    def close(self) -> None:
        """Close the files."""
        self._table.close()

    def _put(self, chroma_id: str, vector: Floats, file: VectorFile) -> None:
        normalised = unit(vector)
        if len(normalised) != self._header.dimension:
            self._begin(len(normalised), file)
        name = digest(normalised)
        row = self._table.row_of_digest(name)
        if row is None:
            row = self._new_row()
            file.write(row, normalised)
            self._table.put_digest(row, name)
        self._table.put(chroma_id, row)

    def _begin(self, dimension: int, file: VectorFile) -> None:
        """Start with another dimension, which only a collection without records may do."""
        if self._header.records:
            raise ExactFilesError(
                f"they hold vectors of {self._header.dimension} dimensions, and not {dimension}"
            )
        self._table.clear()
        file.cut()
        self._header = self._header._replace(dimension=dimension, rows=0)

    def _new_row(self) -> int:
        free = self._table.free_row()
        if free is not None:
            return free
        rows = self._header.rows
        self._header = self._header._replace(rows=rows + 1)
        return rows

    def _free_unused(self, row: int, file: VectorFile) -> None:
        """Free a row that has no record any more."""
        if not self._table.is_used(row):
            self._table.put_digest(row, None)
            file.clear(row, self._header.dimension)
