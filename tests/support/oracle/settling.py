"""Waits until the queue is empty and readers see the state of the table."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple
from unittest.mock import patch

from receipt_index.reader import Readers
from receipt_ops.connection import Connection
from receipt_ops.readers import snapshot_readers
from tests.support.oracle.comparison import (
    Differences,
    Published,
    differences,
    published_by,
    scanned,
)
from tests.support.oracle.embedded import EmbeddedTexts

_POLL: Final = 0.5
"""Seconds between two comparisons."""
_WAITING: Final = ("Messages", "MessagesDelayed", "MessagesNotVisible")


class Settled(NamedTuple):
    """The last comparison, and whether it found no difference while the queue was empty."""

    differences: Differences
    settled: bool


class Judge:
    """Compares the table of one system with the records that readers see."""

    def __init__(self, connection: Connection, readers: Readers, embedded: EmbeddedTexts) -> None:
        self._connection, self._readers, self._embedded = connection, readers, embedded
        self._queue_url = connection.names.compaction_queue_url

    def look(self) -> Differences:
        """Compare the records that are published now with the current table."""
        published: dict[str, Published] = {}
        for reader in self._readers.values():
            reader.refresh()
            published |= published_by(reader) if reader.version else {}
        connection = self._connection
        items = scanned(connection.dynamodb, connection.names.table)
        return differences(items, published, self._embedded.all())

    def settled(self, seconds: float) -> Settled:
        """Compare until no difference and no message is left, or until `seconds` have passed."""
        end = time.monotonic() + seconds
        while True:
            late = time.monotonic() >= end
            empty = messages_of(self._connection.sqs, self._queue_url) == 0
            if empty or late:
                found = self.look()
                if late or not found.wrong:
                    return Settled(found, empty and not found.wrong)
            time.sleep(_POLL)


@contextmanager
def judging(
    connection: Connection, embedded: EmbeddedTexts, variables: Mapping[str, str] | None = None
) -> Iterator[Judge]:
    """Yield a judge with its own readers.

    `variables` name the location of Chroma, as for a command.
    """
    with patch.dict(os.environ, variables or {}), snapshot_readers(connection) as readers:
        yield Judge(connection, readers, embedded)


def messages_of(sqs: Any, url: str) -> int:
    """Return the number of messages of a queue that are visible, delayed or in flight."""
    names = [f"ApproximateNumberOf{name}" for name in _WAITING]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)
