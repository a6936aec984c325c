"""Builds the view of one entity from a deployment."""

from collections.abc import Sequence
from dataclasses import dataclass

from receipt_ops.connection import Connection
from receipt_ops.dead_letters.peeking import peek
from receipt_ops.dead_letters.queue import DeadLetter, held
from receipt_ops.dead_letters.queues import Which
from receipt_ops.dead_letters.redriving import MOST
from receipt_ops.dead_letters.wiring import peeked_queue_of, redrive_sources, resend_of
from receipt_ops.deployment.discovery import Deployment
from receipt_ops.readers import snapshot_readers
from receipt_ops.repair.wiring import newest_of
from receipt_ops.verification.entity import EntityView, view
from receipt_ops.verification.wiring import source_of
from receipt_sync.clock import SystemClock
from receipt_sync.deadline import Deadline
from receipt_sync.keys import EntityKey

_PATIENCE_SECONDS = 60.0


@dataclass
class QueueContents:
    """Holds the read messages and the number of unread ones, by queue."""

    messages: dict[str, list[DeadLetter]]
    unseen: dict[str, int]

    def note(self, queue: str, messages: Sequence[DeadLetter], unseen: int) -> None:
        self.messages[queue] = list(messages)
        if unseen:
            self.unseen[queue] = unseen


def read_messages(connection: Connection, *, peek_too: bool) -> QueueContents:
    """Read the dead-letter queues, and with `peek_too` also the compaction queue."""
    deployment = Deployment(connection)
    read = QueueContents({}, {})
    for source in redrive_sources(connection, deployment, None):
        with held(source.dead_letters, MOST) as found:
            read.note(_NAMES[source.which], found.dead_letters, found.unseen)
    if peek_too:
        queue, resend = peeked_queue_of(connection), resend_of(connection)
        read.note("compaction queue", *peek(queue, resend, deployment.most_receives))
    return read


_NAMES = {
    Which.COMPACTION: "compaction dead letters",
    Which.STREAM: "stream dead letters",
}


def view_of(connection: Connection, key: EntityKey, messages: QueueContents) -> EntityView:
    """Return the view of a line or word in the table, the snapshot and the read messages."""
    collection = key.collection
    if collection is None:
        raise AssertionError("a Chroma id belongs to a line or a word")
    deadline = Deadline(SystemClock(), _PATIENCE_SECONDS)
    with (
        snapshot_readers(connection, [collection]) as readers,
        newest_of(connection, readers) as newest,
    ):
        reader = readers[collection]
        reader.refresh()
        return view(key, source_of(connection), reader, messages.messages, deadline, newest.newer)
