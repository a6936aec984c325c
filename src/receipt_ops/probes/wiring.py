"""Builders of the adapters that a probe works with."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from receipt_index.reader import Readers
from receipt_ops.connection import Connection, check_reachable
from receipt_ops.loading.embedding import embed
from receipt_ops.loading.items import entities_of
from receipt_ops.loading.receipts import Receipt
from receipt_ops.loading.wiring import sender_of, writer_of
from receipt_ops.probes.dynamodb_editor import TableEditor
from receipt_ops.probes.room import check_room
from receipt_ops.probes.subject import Tools
from receipt_ops.readers import snapshot_readers
from receipt_ops.repair.wiring import compactor_limit
from receipt_ops.snapshots.manifests import Published
from receipt_ops.snapshots.wiring import present_versions
from receipt_ops.visibility import Watcher
from receipt_sync.clock import SystemClock
from receipt_sync.keys import EntityKey


def editor_of(connection: Connection) -> TableEditor:
    """Return an editor of single items of the connection's table."""
    return TableEditor(connection.dynamodb, connection.names.table)


def watcher_of(readers: Readers, patience_seconds: float) -> Watcher:
    """Return a watcher of published snapshots."""
    return Watcher(readers, SystemClock(), patience_seconds)


@contextmanager
def tools_of(connection: Connection, patience_seconds: float) -> Iterator[Tools]:
    """Give the tools of a probe for a `with` block: writers, and a watcher of the snapshots."""
    check_reachable(connection)
    with snapshot_readers(connection) as readers:
        yield Tools.of(
            readers,
            watcher_of(readers, patience_seconds),
            writer_of(connection),
            sender_of(connection),
            editor_of(connection),
            embed,
        )


def check_deletable(
    connection: Connection, keys: Sequence[EntityKey], *, are_loaded: bool = False
) -> None:
    """Raise TooManyReceiptsError if the compactor would refuse the deletion of `keys`."""
    mine = Counter(key.collection for key in keys)
    records = {
        name: (one.records if isinstance(one, Published) else 0) + (0 if are_loaded else mine[name])
        for name, one in present_versions(connection).items()
    }
    check_room(keys, records, compactor_limit(connection))


@contextmanager
def checked_tools(
    connection: Connection, patience_seconds: float, receipts: Sequence[Receipt]
) -> Iterator[Tools]:
    """Give the tools of a probe for a `with` block, after every check that the probe needs.

    A dry run enters the block and leaves it at once. Raises TooManyReceiptsError if the compactor
    would refuse the deletion of the probe's receipts.
    """
    with tools_of(connection, patience_seconds) as tools:
        check_deletable(connection, [e.key for one in receipts for e in entities_of(one)])
        yield tools
