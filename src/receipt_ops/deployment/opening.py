"""A check that a reader can open the newest version of each collection."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

from receipt_index.reader import Reader
from receipt_ops.snapshots.manifests import Damaged, Present
from receipt_ops.terminal.unexpected import machine_fault
from receipt_sync.errors import IndexFailedError, SnapshotDamagedError
from receipt_sync.keys import Collection

OPENED_BYTES: Final = 256 * 2**20
"""The largest version that is opened without a request. Opening fetches the whole version."""


OpenReader = Callable[[Collection], AbstractContextManager[Reader]]
"""Gives a reader of a collection for a `with` block."""


class Openings:
    """Opens versions and keeps the results. It opens a version once, because it never changes."""

    def __init__(self, open_reader: OpenReader, *, all_sizes: bool) -> None:
        self._open_reader, self._all_sizes = open_reader, all_sizes
        self._known: dict[tuple[Collection, int], str | None] = {}

    def faults(self, present: Present) -> dict[Collection, str | None]:
        """Return why each version cannot be opened, or None for a version that can be opened.

        The result leaves out versions that were too large to try. Raises errors that concern this
        machine and not the version: a full disk, too few open files, missing rights, or a server
        that is down.
        """
        return {
            collection: self._fault(collection, version.version)
            for collection, version in present.items()
            if version is not None
            and not isinstance(version, Damaged)
            and (self._all_sizes or version.size <= OPENED_BYTES)
        }

    def _fault(self, collection: Collection, version: int) -> str | None:
        if (collection, version) not in self._known:
            self._known[collection, version] = _open(self._open_reader, collection)
        return self._known[collection, version]


def _open(open_reader: OpenReader, collection: Collection) -> str | None:
    try:
        with open_reader(collection) as reader:
            reader.refresh()
            first = next(reader.ids(), None)
            if first is not None:
                reader.vectors([first])
    except (IndexFailedError, SnapshotDamagedError) as error:
        if machine_fault(error) is not None:
            raise
        return str(error)
    return None
