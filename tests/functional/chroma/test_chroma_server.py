"""A Chroma server as a cycle's target, against a real `chroma run`."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from receipt_index.server.index import ServerIndex, ServerIndexes
from receipt_index.server.target import OpenIndex
from receipt_sync.errors import IndexUnavailableError, SnapshotDamagedError
from receipt_sync.keys import Collection
from receipt_sync.settings import ChromaSettings
from receipt_sync.telemetry import Metric
from tests.functional.chroma_server import ChromaServer
from tests.support.fakes.server import ServerWorld
from tests.support.fakes.world import line, metadata, word

LINES = Collection.LINES


class RealServerWorld(ServerWorld):
    """Workers on a real server; table, queue and version object are fakes."""

    def __init__(self, settings: ChromaSettings) -> None:
        super().__init__()
        self._indexes = ServerIndexes(settings)
        self._reading: dict[Collection, ServerIndex] = {}

    def opener(self, collection: Collection) -> OpenIndex:
        return lambda create: self._indexes.open(collection, create=create)

    def index(self, collection: Collection = LINES):  # type: ignore[override]
        if collection not in self._reading:
            self._reading[collection] = self._indexes.open(collection, create=True)
        reading = self._reading[collection]
        return SimpleNamespace(records=reading.get(list(reading.ids())), reading=reading)

    def close(self) -> None:
        for reading in self._reading.values():
            reading.close()


@pytest.fixture
def world(chroma_settings: ChromaSettings) -> Iterator[RealServerWorld]:
    world = RealServerWorld(chroma_settings)
    for number in (1, 2, 3):
        world.table.put(line(number), text=f"text {number}", confidence=0.1 * number)
    world.table.put(word(1), text="word")
    world.table.put(metadata(), merchant_name="Cafe")
    yield world
    world.close()


def embed_all(world: RealServerWorld) -> list[str]:
    return [world.delta_body([line(n) for n in (1, 2, 3)]), world.delta_body([word(1)])]


def test_a_cycle_inserts_updates_and_deletes_on_the_server_and_swaps_the_version(
    world: RealServerWorld,
):
    worker = world.worker()
    assert world.handle(worker, *embed_all(world)).returned == {}
    assert world.differences() == []
    assert len(world.index().records) == 3
    assert (world.version().version, world.version().record_count) == (1, 3)
    assert world.version().claims == ()

    world.table.put(metadata(), merchant_name="Bar")
    world.table.put(line(2), text="another text")
    del world.table.items[line(3)]
    report = world.handle(
        worker,
        world.change_body(metadata(), "merchant_name"),
        world.change_body(line(2), "text"),
        world.change_body(line(3), event="REMOVE"),
    )
    assert report.returned == {}
    assert world.differences() == []
    records = world.index().records
    assert set(records) == {line(1).chroma_id, line(2).chroma_id}
    assert records[line(2).chroma_id].metadata["merchant_name"] == "Bar"
    assert records[line(2).chroma_id].metadata["embedding_stale"] is True
    assert records[line(1).chroma_id].metadata["next_line_text"] == "another text"
    assert (world.version().version, world.version().record_count) == (2, 2)


def test_a_cycle_that_finds_nothing_to_write_swaps_the_version_too(world: RealServerWorld):
    worker = world.worker()
    world.handle(worker, *embed_all(world))
    world.handle(worker, world.change_body(line(1), "text"))
    assert world.version().version == 2


def test_the_publish_of_a_late_worker_is_refused_and_its_messages_return(world: RealServerWorld):
    world.handle(world.worker(), *embed_all(world))
    world.table.put(line(1), text="new")
    body = world.change_body(line(1), "text")

    def pause_before_publish(target):
        publish = target.publish

        def late(count):
            world.table.put(line(1), text="newest")
            world.clock.advance(61)
            other = world.handle(world.worker("other"), world.change_body(line(1), "text"))
            assert "UnsettledError" in other.returned["0"]  # the late one may yet write
            return publish(count)

        target.publish = late

    late = world.handle(world.worker("late", wrap=pause_before_publish), body)
    assert "PublishRefusedError" in late.returned["0"]
    assert world.telemetry.total(Metric.PUBLISHES_REFUSED) == 1
    world.clock.advance(300)
    assert world.handle(world.worker("other"), body).returned == {}
    assert world.differences() == []
    assert world.index().records[line(1).chroma_id].metadata["text"] == "newest"


def test_what_a_late_worker_deletes_and_acknowledges_nothing_of_is_put_right(
    world: RealServerWorld,
):
    """The one who took over acknowledged nothing either, so the vector's message comes back."""
    world.handle(world.worker(), *embed_all(world))
    del world.table.items[line(1)]
    taken_over = []

    def pause_after_claim(target):
        claim = target.mark_dirty

        def late():
            claim()
            world.table.put(line(1), text="back")
            world.clock.advance(61)
            taken_over.append(world.delta_body([line(1)]))
            report = world.handle(world.worker("other"), taken_over[0])
            assert "UnsettledError" in report.returned["0"]

        target.mark_dirty = late

    removal = world.change_body(line(1), event="REMOVE")
    late = world.handle(world.worker("late", wrap=pause_after_claim), removal)
    assert "LeaseLostError" in late.returned["0"]
    assert line(1).chroma_id not in world.index().records  # it deleted what was back
    world.clock.advance(300)
    assert world.handle(world.worker("other"), removal, taken_over[0]).returned == {}
    assert world.index().records[line(1).chroma_id].metadata["text"] == "back"
    assert world.differences() == []


def test_a_record_that_the_server_can_not_take_is_parked_and_the_rest_applied(
    world: RealServerWorld,
):
    worker = world.worker()
    world.handle(worker, *embed_all(world))
    for number in (1, 2, 3):
        world.table.put(line(number), text="new", is_noise=number == 2)
    world.table.items[line(3)]["embedding_status"] = "x" * (2**20 + 1)
    bodies = [world.change_body(line(n), "is_noise", "embedding_status") for n in (1, 2, 3)]
    report = world.handle(worker, *bodies)
    assert report.returned == {}
    ((body, reason, _),) = world.dead_letters.parked
    assert json.loads(body)["entity_data"]["line_id"] == 3
    assert "1048577 bytes of embedding_status" in reason
    assert world.index().records[line(2).chroma_id].metadata["is_noise"] is True


def test_a_batch_that_chroma_itself_refuses_is_bisected(world: RealServerWorld):
    """Four dimensions in a collection of four, but one record's text is no Unicode."""
    worker = world.worker()
    world.handle(worker, *embed_all(world))
    for number in (1, 2, 3):
        world.table.put(line(number), text="new", embedding_status="\ud800" if number == 2 else "S")
    bodies = [world.change_body(line(n), "embedding_status") for n in (1, 2, 3)]
    assert world.handle(worker, *bodies).returned == {}
    ((body, reason, _),) = world.dead_letters.parked
    assert json.loads(body)["entity_data"]["line_id"] == 2
    assert reason == "Chroma's update failed: TypeError"
    assert world.index().records[line(3).chroma_id].metadata["embedding_status"] == "S"


def test_while_the_server_is_down_everything_returns_and_nothing_is_lost(tmp_path: Path):
    server = ChromaServer(tmp_path)
    world = RealServerWorld(server.settings)
    world.table.put(line(1), text="a")
    worker, vectors = world.worker(), world.delta_body([line(1)])
    cold = world.handle(worker, vectors)
    assert "did not answer 'open': ConnectError" in cold.returned["0"]
    try:
        server.start()
        assert world.handle(worker, vectors).returned == {}
        world.table.put(line(1), text="b")
        change = world.change_body(line(1), "text")
        server.stop()
        warm = world.handle(worker, change)
        assert "did not answer 'get': ConnectError" in warm.returned["0"]
        assert world.dead_letters.parked == []
        server.start()
        assert world.handle(worker, change).returned == {}
        assert world.differences() == []
        world.close()
    finally:
        server.stop()


def test_a_collection_that_is_gone_is_no_empty_one(
    world: RealServerWorld, chroma: ChromaServer, chroma_settings: ChromaSettings
):
    worker = world.worker()
    world.handle(worker, *embed_all(world))
    client = chroma.client(str(chroma_settings.chroma_database))
    client.delete_collection(LINES.value)
    body = world.change_body(line(1), "text")
    first, second = world.handle(worker, body), world.handle(worker, body)
    assert "does not know the collection" in first.returned["0"]
    assert "the server has no collection receipt_lines" in second.returned["0"]
    assert world.telemetry.total(Metric.SNAPSHOTS_DAMAGED) == 1
    ServerIndexes(chroma_settings).open(LINES, create=True).close()
    third = world.handle(worker, body)
    assert "is not the one that version 1 was written to" in third.returned["0"]


def test_a_collection_of_another_distance_is_refused(
    chroma: ChromaServer, chroma_settings: ChromaSettings
):
    client = chroma.client(str(chroma_settings.chroma_database))
    client.create_collection(
        LINES.value, configuration={"hnsw": {"space": "l2"}}, embedding_function=None
    )
    with pytest.raises(SnapshotDamagedError, match="its distance is l2, and not cosine"):
        ServerIndexes(chroma_settings).open(LINES, create=True)


def test_a_database_that_is_not_there_is_named(chroma: ChromaServer):
    absent = chroma.settings.model_copy(update={"chroma_database": "nowhere"})
    with pytest.raises(IndexUnavailableError, match="mend CHROMA_TENANT and CHROMA_DATABASE"):
        ServerIndexes(absent).open(LINES, create=True)
