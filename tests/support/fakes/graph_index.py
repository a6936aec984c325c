"""An index in a folder that, like Chroma, never reclaims the elements of deleted records."""

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path

from receipt_index.records import Metadata, NewVector
from receipt_sync.keys import Collection
from tests.support.fakes.index import InMemoryIndex


class GraphIndex(InMemoryIndex):
    """Stores its records in one file, and four bytes for each element that was ever added."""

    def __init__(self, folder: Path, collection: Collection) -> None:
        super().__init__()
        self._records, self._length = folder / "chroma.sqlite3", folder / "graph" / "length.bin"
        self._length.parent.mkdir(exist_ok=True)
        if self._records.exists():
            self.records, self.stored_vectors = pickle.loads(self._records.read_bytes())

    def insert(self, records: Sequence[NewVector]) -> None:
        super().insert(records)
        with self._length.open("ab") as file:
            file.write(bytes(4 * len(records)))
        self.save()

    def update(self, metadata: Mapping[str, Metadata]) -> None:
        super().update(metadata)
        self.save()

    def delete(self, ids: Sequence[str]) -> None:
        super().delete(ids)
        self.save()

    def save(self) -> None:
        self._records.write_bytes(pickle.dumps((self.records, self.stored_vectors)))
