"""A snapshot of FileIndex collections in memory, and workers on it."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from receipt_index.snapshot.copies.rebasing import without_limit
from receipt_index.snapshot.copies.working_copy import CopySettings, WorkingCopy
from receipt_index.snapshot.format.manifest import Manifest, read_manifest
from receipt_index.snapshot.store.retired_lists import RetiredLists
from receipt_sync.deadline import Deadline
from receipt_sync.keys import Collection
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.files import FileIndex
from tests.support.fakes.snapshots import InMemorySnapshotStore

RETENTION = timedelta(seconds=100)


def file_index(copy: WorkingCopy, deadline: Deadline | None = None) -> FileIndex:
    """Check out the working copy. Its index is a FileIndex."""
    index: Any = copy.checkout(deadline)
    assert isinstance(index, FileIndex)
    return index


class Setting:
    """Keeps every manifest that was ever published, as a versioned bucket does."""

    def __init__(self, root: Path) -> None:
        self.root, self.store, self.clock = root, InMemorySnapshotStore(), ManualClock()
        self.history: list[Manifest] = []

    def copy(self, writer: str, free_memory: Callable[[], int] = without_limit) -> WorkingCopy:
        return WorkingCopy(
            self.store,
            Collection.LINES,
            self.root / writer,
            FileIndex,  # type: ignore[arg-type]
            self.clock,
            CopySettings(writer, RETENTION, free_memory),
        )

    def manifest(self) -> Manifest:
        assert self.store.data is not None
        return read_manifest(self.store.data, Collection.LINES)

    def retired(self) -> frozenset[str]:
        """Names of the objects that the present manifest has retired."""
        retired_lists = RetiredLists(self.store)
        return frozenset().union(*map(retired_lists.objects, self.manifest().retired))

    def publish(self, copy: WorkingCopy, **records: str) -> Manifest:
        """Add records, publish; returns the manifest."""
        index = file_index(copy)
        copy.mark_dirty()
        index.put(**records)
        copy.publish(len(records))
        self.history.insert(0, self.manifest())
        return self.history[0]

    def records(self, copy: WorkingCopy) -> dict[str, str]:
        return file_index(copy).records
