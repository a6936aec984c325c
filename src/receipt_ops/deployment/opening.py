"""A check that a reader can open the newest version of each collection."""

from typing import Final

from receipt_ops.connection import Connection
from receipt_ops.readers import snapshot_readers
from receipt_ops.snapshots.manifests import Damaged, Present
from receipt_ops.terminal.unexpected import is_full_disk
from receipt_sync.errors import IndexFailedError, SnapshotDamagedError
from receipt_sync.keys import Collection

OPENED_BYTES: Final = 256 * 2**20
"""The largest version that is opened without a request. Opening fetches the whole version."""


class Openings:
    """Opens versions and keeps the results. It opens a version once, because it never changes."""

    def __init__(self, connection: Connection, *, all_sizes: bool) -> None:
        self._connection, self._all_sizes = connection, all_sizes
        self._known: dict[tuple[Collection, int], str | None] = {}

    def faults(self, present: Present) -> dict[Collection, str | None]:
        """Return why each version cannot be opened, or None for a version that can be opened.

        The result leaves out versions that were too large to try. Raises errors that concern this
        machine and not the version: a full disk, missing rights, or a server that is down.
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
            self._known[collection, version] = _open(self._connection, collection)
        return self._known[collection, version]


def _open(connection: Connection, collection: Collection) -> str | None:
    try:
        with snapshot_readers(connection, [collection]) as readers:
            reader = readers[collection]
            reader.refresh()
            first = next(reader.ids(), None)
            if first is not None:
                reader.vectors([first])
    except (IndexFailedError, SnapshotDamagedError) as error:
        if is_full_disk(error):
            raise
        return str(error)
    return None
