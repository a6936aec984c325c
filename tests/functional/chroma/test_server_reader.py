"""A ServerReader on a real Chroma server: ids during deletions, and the collection's identity."""

from uuid import uuid4

import httpx
import numpy as np
import pytest

from receipt_index.records import NewVector
from receipt_index.server import connection
from receipt_index.server.index import ServerIndex, ServerIndexes
from receipt_index.server.reader import ServerReader
from receipt_index.server.target import ServerTarget
from receipt_sync.clock import SystemClock
from receipt_sync.deadline import Deadline
from receipt_sync.errors import IndexUnavailableError, SnapshotDamagedError
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.settings import ChromaSettings
from tests.functional.chroma_server import ChromaServer
from tests.support.fakes.snapshots import InMemorySnapshotStore

LINES = Collection.LINES


def record(number: int, text: str) -> NewVector:
    vector = np.array([1.0, number], np.float32)
    return NewVector(EntityKey("image", 1, number).chroma_id, vector, text, {"text": text})


def published(settings: ChromaSettings, records: list[NewVector]) -> InMemorySnapshotStore:
    """Publish a version through the compactor's target. Return the store of its manifest."""
    store, clock = InMemorySnapshotStore(), SystemClock()
    indexes = ServerIndexes(settings)
    target = ServerTarget(
        store, LINES, lambda create: indexes.open(LINES, create=create), clock, "writer"
    )
    index = target.checkout(Deadline(clock, 60))
    target.mark_dirty()
    index.insert(records)
    target.publish(len(records))
    target.discard()
    return store


def reader_of(store: InMemorySnapshotStore, settings: ChromaSettings) -> ServerReader:
    indexes = ServerIndexes(settings)
    return ServerReader(store, LINES, lambda: indexes.open(LINES, create=False))


def test_no_id_that_stays_is_left_out_while_records_are_deleted(
    chroma_settings: ChromaSettings,
) -> None:
    indexes = ServerIndexes(chroma_settings)
    index: ServerIndex = indexes.open(LINES, create=True)
    ids = [record(number, "t").id for number in range(1, 3001)]
    index.insert([record(number, "t") for number in range(1, 3001)])
    reading = index.ids()
    seen = [next(reading) for _ in range(1000)]
    index.delete(ids[:400])
    index.insert([record(4000, "new")])
    seen += list(reading)
    index.close()
    assert set(ids[400:]) <= set(seen)
    assert len(seen) == len(set(seen))


@pytest.fixture
def elsewhere(chroma: ChromaServer) -> ChromaSettings:
    """Return settings of another database, whose collection of the same name is older."""
    database = f"t{uuid4().hex[:12]}"
    chroma.create_database(database)
    settings = chroma.settings.model_copy(update={"chroma_database": database})
    old = ServerIndexes(settings).open(LINES, create=True)
    old.insert([record(number, "old text") for number in (1, 2, 3)])
    old.close()
    return settings


def test_a_collection_that_was_not_published_to_is_refused_by_the_reader(
    chroma_settings: ChromaSettings, elsewhere: ChromaSettings
) -> None:
    store = published(chroma_settings, [record(number, "new text") for number in (1, 2, 3)])
    with reader_of(store, chroma_settings) as right:
        right.refresh()
        assert {r.metadata["text"] for r in right.get([record(1, "").id]).values()} == {"new text"}
    with reader_of(store, elsewhere) as wrong:
        wrong.refresh()
        for call in (wrong.count, lambda: wrong.get([record(1, "").id]), wrong.ids):
            with pytest.raises(SnapshotDamagedError, match="CHROMA_HOST"):
                call()


@pytest.mark.parametrize("status", [302, 404, 413])
def test_a_proxy_in_front_of_the_server_blames_no_record(
    chroma_settings: ChromaSettings, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    class Ingress(httpx.BaseTransport):
        def __init__(self, inner: httpx.BaseTransport) -> None:
            self._inner = inner

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/update"):
                return httpx.Response(status, text="404 page not found\n")
            return self._inner.handle_request(request)

    made = connection.ServerConnection.__init__

    def with_ingress(self: connection.ServerConnection, settings: ChromaSettings) -> None:
        made(self, settings)
        self._session._transport = Ingress(self._session._transport)

    monkeypatch.setattr(connection.ServerConnection, "__init__", with_ingress)
    index = ServerIndexes(chroma_settings).open(LINES, create=True)
    index.insert([record(1, "text")])
    with pytest.raises(IndexUnavailableError, match=f"answered {status}"):
        index.update({record(1, "text").id: {"text": "other"}})
    index.close()
