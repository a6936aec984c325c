"""An index of a working copy that keeps the derived files of the exact search.

The files are written beside the collection, before the version is published. A cycle that changes
no vector does not touch them. Files that are missing or do not fit are made anew from the vectors
of the collection: at once for a small collection, and otherwise with the next new base.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol

from receipt_index.deltas import Vectors
from receipt_index.exact.layout import FOLDER, ExactFilesError
from receipt_index.exact.record_table import UNREADABLE
from receipt_index.exact.writing import ExactWriter
from receipt_index.records import Index, Match, Metadata, NewVector, Record
from receipt_sync.deadline import Deadline
from receipt_sync.errors import IndexFailedError

CHEAP: Final = 2_000
"""Records of a collection whose files are made with any publish, in half a second."""
_READ_AT_ONCE: Final = 512
_RECORDS_A_SECOND: Final = 2_000
"""A quarter of the records whose vectors are read and written in a second."""


class Listed(Index, Protocol):
    """An index that lists its records."""

    def ids(self) -> Iterator[str]: ...

    def search(
        self, vector: Vectors, limit: int, where: Mapping[str, Any] | None = None
    ) -> list[Match]: ...


class ExactIndex:
    """An Index that writes the derived files, too. See `Index` for what each method does."""

    def __init__(self, index: Listed, folder: Path) -> None:
        self.plain = index
        """The index without derived files."""
        self._folder = folder / FOLDER
        self._writer = self._opened()

    def get(self, ids: Sequence[str]) -> dict[str, Record]:
        """See `Index.get`."""
        return self.plain.get(ids)

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """See `Index.vectors`."""
        return self.plain.vectors(ids)

    def update(self, metadata: Mapping[str, Metadata]) -> None:
        """See `Index.update`. The derived files hold no metadata."""
        self.plain.update(metadata)

    def insert(self, records: Sequence[NewVector]) -> None:
        """See `Index.insert`."""
        if self._writer is None and not self.plain.count():
            self._writer = self._created()
        self.plain.insert(records)
        if self._writer is not None:
            with _written():
                self._writer.insert((record.id, record.vector) for record in records)

    def replace_vectors(self, records: Sequence[NewVector]) -> None:
        """See `Index.replace_vectors`."""
        self.plain.replace_vectors(records)
        if self._writer is not None:
            with _written():
                self._writer.replace((record.id, record.vector) for record in records)

    def delete(self, ids: Sequence[str]) -> None:
        """See `Index.delete`."""
        self.plain.delete(ids)
        if self._writer is not None:
            with _written():
                self._writer.delete(ids)

    def count(self) -> int:
        """See `Index.count`."""
        return self.plain.count()

    def dimension(self) -> int | None:
        """See `Index.dimension`."""
        return self.plain.dimension()

    def ids(self) -> Iterator[str]:
        """Yield every record's id."""
        return self.plain.ids()

    def search(
        self, vector: Vectors, limit: int, where: Mapping[str, Any] | None = None
    ) -> list[Match]:
        """Return what the plain index finds. A worker searches for nothing."""
        return self.plain.search(vector, limit, where)

    def derive(self, deadline: Deadline | None, *, whole: bool) -> None:
        """Make the derived files if they are missing.

        `whole` says that the whole snapshot is written next, so that work of its size is due.
        Without it, only the files of a small collection are made. The files of a large one are left
        out if the time is too short, and all are left out if a vector can't be read. The search
        then uses Chroma's graph, as before.
        """
        if self._writer is not None:
            return
        records = self.plain.count()
        if records <= CHEAP or (whole and _fits(records, deadline)):
            self._build()

    def close(self) -> None:
        """See `Index.close`."""
        try:
            self._close_writer()
        finally:
            self.plain.close()

    def _opened(self) -> ExactWriter | None:
        """Return the open files; None if there are none. Files that do not fit are removed."""
        if not self._folder.exists():
            return None
        try:
            return ExactWriter.open(self._folder, self.plain.count())
        except ExactFilesError:
            shutil.rmtree(self._folder)
            return None

    def _created(self) -> ExactWriter:
        with _written():
            return ExactWriter.create(self._folder)

    def _build(self) -> None:
        self._writer = self._created()
        all_ids = self.plain.ids()
        while ids := list(islice(all_ids, _READ_AT_ONCE)):
            try:
                vectors = self.plain.vectors(ids)
            except IndexFailedError:
                self._close_writer()
                shutil.rmtree(self._folder)
                return
            with _written():
                self._writer.insert(vectors.items())

    def _close_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()


def _fits(records: int, deadline: Deadline | None) -> bool:
    """Return whether the time is enough for this number of records."""
    return deadline is None or deadline.remaining() > records / _RECORDS_A_SECOND


@contextmanager
def _written() -> Iterator[None]:
    try:
        yield
    except (*UNREADABLE, OSError, ExactFilesError) as error:
        # The error's own text is left out: it may quote a record's id.
        raise IndexFailedError(
            f"the files of the exact search can't be written: {type(error).__name__}"
        ) from error
