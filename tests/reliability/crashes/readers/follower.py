"""A reader process that follows and searches until it is killed."""

import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from receipt_index.snapshot.reading.reader import SnapshotReader
from receipt_sync.errors import SyncError
from receipt_sync.keys import Collection
from tests.reliability.crashes.readers.bugs import planted
from tests.reliability.crashes.readers.decoder import Version
from tests.reliability.crashes.readers.moments import Moment, Pause, hooked
from tests.reliability.crashes.readers.nearest import Nearest, is_found
from tests.reliability.crashes.readers.plain import beside
from tests.reliability.crashes.readers.published import DIMENSION
from tests.reliability.crashes.readers.store import FolderStore


@dataclass(frozen=True)
class Order:
    """The store to follow, the reader's folder, and the moment at which it waits to be killed."""

    store: Path
    root: Path
    moment: Moment = Moment.RANDOM
    skipped: int = 0
    bug: str | None = None


class Seen(NamedTuple):
    """All records that a reader serves, and the results of its searches.

    `found` holds the first hit for each record's own vector. `plain` holds plain chromadb's first
    hit in the same graph, for the records that were not found. `folder` holds the files of the
    graph.
    """

    version: int
    vectors: dict[str, Any]
    records: dict[str, tuple[Any, str | None]]
    found: dict[str, Nearest | None]
    plain: dict[str, Nearest | None]
    folder: Path

    @property
    def missed(self) -> dict[str, Nearest | None]:
        """Return the first hit instead of each missed record, by the record's id."""
        return {i: hit for i, hit in self.found.items() if not is_found(i, hit)}


def follow(pipe: Connection, order: Order) -> None:
    """Follow until the process is killed.

    It sends "serving" with a version, "moment", "seen" with a Seen, and "broken" with a sentence.
    """
    lock = threading.Lock()

    def send(*message: Any) -> None:
        with lock:
            pipe.send(message)

    pause = Pause(order.skipped, lambda: send("moment"))
    with planted(order.bug), hooked(order.moment, pause):
        reader = SnapshotReader(FolderStore(order.store), Collection.LINES, order.root)
        threading.Thread(target=_search, args=(reader, send), daemon=True).start()
        while True:
            try:
                if reader.refresh():
                    send("serving", reader.version)
            except SyncError as error:
                send("broken", f"refresh: {type(error).__name__}: {error}")
            if pipe.poll(0.01):
                wanted = pipe.recv()
                reader.refresh()
                send("seen", _seen(reader, wanted, order))


def _search(reader: SnapshotReader, send: Any) -> None:
    numbers = np.random.default_rng()
    while True:
        try:
            if reader.version:
                reader.search(numbers.standard_normal(DIMENSION, dtype=np.float32), 3)
        except SyncError as error:
            send("broken", f"search: {type(error).__name__}: {error}")
        time.sleep(0.005)


def _seen(reader: SnapshotReader, wanted: dict[str, Any], order: Order) -> Seen:
    """Return the served records, and the results of searches for the vectors of `wanted`."""
    ids = list(reader.ids())
    records = {i: (dict(r.metadata), r.document) for i, r in reader.get(ids).items()}
    found: dict[str, Nearest | None] = {}
    for chroma_id, vector in wanted.items():
        matches = reader.search(vector, 1)
        first = matches[0] if matches else None
        found[chroma_id] = Nearest(first.record.id, first.distance) if first else None
    vectors = reader.vectors(ids)
    with beside(order.root, Version.below(order.store), Collection.LINES.value) as plain:
        seen = Seen(reader.version, vectors, records, found, {}, plain.folder)
        return seen._replace(plain={i: plain.nearest(wanted[i]) for i in seen.missed})
