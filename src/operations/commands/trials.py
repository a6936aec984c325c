"""What the commands that try the deployed system out have in common."""

from collections.abc import Iterator
from contextlib import contextmanager

from ulid import ULID

from operations.commands.load import check_reachable, sender_of, writer_of
from operations.connection import Connection
from operations.readers import snapshot_readers
from operations.trials.subject import Tools
from operations.trials.watching import Watcher
from receipt_sync.clock import SystemClock


def new_name(kind: str) -> str:
    """Of a receipt that nobody else has."""
    return f"{kind}-{ULID()}"


@contextmanager
def tools_of(connection: Connection, patience_seconds: float) -> Iterator[Tools]:
    """Writers, and a watcher of the published snapshots."""
    check_reachable(connection)
    with snapshot_readers(connection) as readers:
        watcher = Watcher(readers, SystemClock(), patience_seconds)
        writer, sender = writer_of(connection), sender_of(connection)
        yield Tools.of(connection, readers, watcher, writer, sender)
