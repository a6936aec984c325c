"""The two copies of a reader, which take turns: one is served, the other is the mirror."""

import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Final, Protocol, TypeVar

from receipt_index.snapshot.copies.mirror import Mirror
from receipt_index.snapshot.copies.mtime_marks import forget_marks
from receipt_index.snapshot.copies.synchronise import synchronise
from receipt_index.snapshot.format.manifest import Manifest
from receipt_index.snapshot.format.page_table import PageTable
from receipt_index.snapshot.format.pages import list_files
from receipt_index.snapshot.reading.handover import Handover
from receipt_index.snapshot.reading.kept_state import read_state, write_state
from receipt_index.snapshot.store.snapshot_store import SnapshotStore
from receipt_sync.clock import Clock
from receipt_sync.keys import Collection

_COPY: Final = "copy-"
DAMAGE_KEPT_FOR: Final = 600.0
"""Seconds after which a damaged version is tried again although its manifest is the same. An
operator may have restored a missing object.
"""

_numbers: Final = count(1)
"""Numbers of this process's copies. Chroma identifies an open index by its path, so no path is used
for a second copy.
"""


class Closable(Protocol):
    """Open files of a folder."""

    def close(self) -> None: ...


Served = TypeVar("Served", bound=Closable)
"""The kind of index that a reader serves."""


class Turns:
    """The copies below `folder`, which one process holds. Copies of earlier processes are used."""

    def __init__(
        self, store: SnapshotStore, collection: Collection, folder: Path, clock: Clock
    ) -> None:
        self._folder, self._kept, self._state = folder, folder / "kept", folder / "state"
        forget_marks(list_files(folder).values())
        found = sorted(path for path in folder.glob(f"{_COPY}*") if path.is_dir())
        self._left = found[1:]
        left = read_state(self._state, collection)
        self._table = left.table if left else PageTable()
        self._mirror = Mirror(
            store,
            collection,
            found[0] if found else self._new_folder(),
            clock,
            room=folder,
            damage_kept_for=DAMAGE_KEPT_FOR,
            table=self._table,
        )
        if found:
            self._mirror.resume(left.manifest if left else None, [*self._left, self._kept])
        self._served: Path | None = None
        self._handover: Handover | None = None

    def follow(self) -> Manifest | None:
        """Bring the mirror to the published version and return it; None if nothing is published.

        Raises what `Mirror.refresh` raises.
        """
        if self._mirror.refresh() and self._mirror.manifest is not None:
            write_state(self._state, self._mirror.manifest, self._table)
        return self._mirror.manifest

    def open(self, open_index: Callable[[Path], Served]) -> Served:
        """Open the version that the mirror holds, ready for searches.

        The caller must call `swapped` next.
        """
        return self._open_first(open_index) if self._served is None else self._open(open_index)

    def swapped(self, old: Closable | None) -> None:
        """Close the index that was served before, and make its folder the mirror.

        If closing fails, its error is raised after the folder was removed from use.
        """
        if old is None or self._handover is None:
            return
        before, now = self._served, self._mirror.folder
        assert before is not None
        self._served = now
        try:
            old.close()
        except BaseException:
            self._mirror.folder = self._new_folder()
            self._salvage([before, now, self._kept])
            shutil.rmtree(before, ignore_errors=True)
            raise
        self._mirror.folder = before
        if not self._handover.apply():
            self._salvage([now, self._kept])

    def _open_first(self, open_index: Callable[[Path], Served]) -> Served:
        """Serve a copy of the mirror. A folder that an earlier process left becomes that copy."""
        served = self._left[0] if self._left else self._new_folder()
        for surplus in self._left[1:]:
            shutil.rmtree(surplus, ignore_errors=True)
        self._left = []
        try:
            synchronise(self._mirror.folder, served)
            index = open_index(served)
        except BaseException:
            shutil.rmtree(served, ignore_errors=True)
            raise
        self._served = served
        return index

    def _open(self, open_index: Callable[[Path], Served]) -> Served:
        """Serve the mirror itself."""
        assert self._served is not None
        self._handover = Handover(self._served, self._mirror.folder, self._kept)
        try:
            return open_index(self._mirror.folder)
        except BaseException:
            self._handover = None
            self._salvage([self._served, self._kept])
            raise

    def _salvage(self, others: list[Path]) -> None:
        """Rebuild the mirror from pages of other folders whose digests match."""
        self._table.salvage(self._mirror.folder, others)
        if self._table.wrong:
            self._mirror.forget()

    def _new_folder(self) -> Path:
        while True:
            folder = self._folder / f"{_COPY}{next(_numbers)}"
            if not folder.exists():
                folder.mkdir()
                return folder
