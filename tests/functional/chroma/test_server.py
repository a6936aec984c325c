"""A Chroma server as a cycle's target, against a real `chroma run`."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from receipt_index.server.index import ServerIndex, ServerIndexes
from receipt_index.server.target import OpenIndex, ServerTarget
from receipt_index.snapshot.copies.working_copy import Published
from receipt_sync.errors import IndexUnavailableError, SnapshotDamagedError
from receipt_sync.keys import Collection
from receipt_sync.settings import ChromaSettings
from receipt_sync.telemetry import Metric
from tests.functional.chroma_server import ChromaServer
from tests.support.fakes.server import InMemoryServerSystem
from tests.support.fakes.system import line, metadata, word

LINES = Collection.LINES


class RealServerSystem(InMemoryServerSystem):
    """Workers on a real server; table, queue and version object are fakes."""

    def __init__(self, settings: ChromaSettings) -> None:
        super().__init__()
        self._indexes = ServerIndexes(settings)
        self._reading: dict[Collection, ServerIndex] = {}

    def opener(self, collection: Collection) -> OpenIndex:
        return lambda create: self._indexes.open(collection, create=create)

    def index(self, collection: Collection = LINES) -> Any:
        if collection not in self._reading:
            self._reading[collection] = self._indexes.open(collection, create=True)
        reading = self._reading[collection]
        return SimpleNamespace(records=reading.get(list(reading.ids())), reading=reading)

    def close(self) -> None:
        for reading in self._reading.values():
            reading.close()


@pytest.fixture
def system(chroma_settings: ChromaSettings) -> Iterator[RealServerSystem]:
    system = RealServerSystem(chroma_settings)
    for number in (1, 2, 3):
        system.table.put(line(number), text=f"text {number}", confidence=0.1 * number)
    system.table.put(word(1), text="word")
    system.table.put(metadata(), merchant_name="Cafe")
    yield system
    system.close()


def embed_all(system: RealServerSystem) -> list[str]:
    return [system.delta_body([line(n) for n in (1, 2, 3)]), system.delta_body([word(1)])]


def test_a_cycle_inserts_updates_and_deletes_on_the_server_and_swaps_the_version(
    system: RealServerSystem,
) -> None:
    worker = system.worker()
    assert system.handle(worker, *embed_all(system)).returned == {}
    assert system.differences() == []
    assert len(system.index().records) == 3
    assert (system.version().version, system.version().record_count) == (1, 3)
    assert system.version().claims == ()

    system.table.put(metadata(), merchant_name="Bar")
    system.table.put(line(2), text="another text")
    del system.table.items[line(3)]
    report = system.handle(
        worker,
        system.change_body(metadata(), "merchant_name"),
        system.change_body(line(2), "text"),
        system.change_body(line(3), event="REMOVE"),
    )
    assert report.returned == {}
    assert system.differences() == []
    records = system.index().records
    assert set(records) == {line(1).chroma_id, line(2).chroma_id}
    assert records[line(2).chroma_id].metadata["merchant_name"] == "Bar"
    assert records[line(2).chroma_id].metadata["embedding_stale"] is True
    assert records[line(1).chroma_id].metadata["next_line_text"] == "another text"
    assert (system.version().version, system.version().record_count) == (2, 2)


def test_a_cycle_that_finds_nothing_to_write_swaps_the_version_too(
    system: RealServerSystem,
) -> None:
    worker = system.worker()
    system.handle(worker, *embed_all(system))
    system.handle(worker, system.change_body(line(1), "text"))
    assert system.version().version == 2


def test_the_publish_of_a_late_worker_is_refused_and_its_messages_return(
    system: RealServerSystem,
) -> None:
    system.handle(system.worker(), *embed_all(system))
    system.table.put(line(1), text="new")
    body = system.change_body(line(1), "text")

    def pause_before_publish(target: ServerTarget) -> None:
        publish = target.publish

        def late(record_count: int | None) -> Published:
            system.table.put(line(1), text="newest")
            system.clock.advance(61)
            other = system.handle(system.worker("other"), system.change_body(line(1), "text"))
            assert "UnsettledError" in other.returned["0"]  # the late worker may still write
            return publish(record_count)

        target.publish = late  # type: ignore[method-assign]

    late = system.handle(system.worker("late", wrap=pause_before_publish), body)
    assert "PublishRefusedError" in late.returned["0"]
    assert system.telemetry.total(Metric.PUBLISHES_REFUSED) == 1
    system.clock.advance(300)
    assert system.handle(system.worker("other"), body).returned == {}
    assert system.differences() == []
    assert system.index().records[line(1).chroma_id].metadata["text"] == "newest"


def test_what_a_late_worker_deletes_and_acknowledges_nothing_of_is_put_right(
    system: RealServerSystem,
) -> None:
    """The second worker acknowledged nothing either, so SQS delivers the vector's message again."""
    system.handle(system.worker(), *embed_all(system))
    del system.table.items[line(1)]
    taken_over = []

    def pause_after_claim(target: ServerTarget) -> None:
        claim = target.mark_dirty

        def late() -> None:
            claim()
            system.table.put(line(1), text="back")
            system.clock.advance(61)
            taken_over.append(system.delta_body([line(1)]))
            report = system.handle(system.worker("other"), taken_over[0])
            assert "UnsettledError" in report.returned["0"]

        target.mark_dirty = late  # type: ignore[method-assign]

    removal = system.change_body(line(1), event="REMOVE")
    late = system.handle(system.worker("late", wrap=pause_after_claim), removal)
    assert "LeaseLostError" in late.returned["0"]
    # The late worker deleted the record that was written again.
    assert line(1).chroma_id not in system.index().records
    system.clock.advance(300)
    assert system.handle(system.worker("other"), removal, taken_over[0]).returned == {}
    assert system.index().records[line(1).chroma_id].metadata["text"] == "back"
    assert system.differences() == []


def test_a_record_that_the_server_can_not_take_is_parked_and_the_rest_applied(
    system: RealServerSystem,
) -> None:
    worker = system.worker()
    system.handle(worker, *embed_all(system))
    for number in (1, 2, 3):
        system.table.put(line(number), text="new", is_noise=number == 2)
    system.table.items[line(3)]["embedding_status"] = "x" * (2**20 + 1)
    bodies = [system.change_body(line(n), "is_noise", "embedding_status") for n in (1, 2, 3)]
    report = system.handle(worker, *bodies)
    assert report.returned == {}
    ((body, reason, _),) = system.dead_letters.parked
    assert json.loads(body)["entity_data"]["line_id"] == 3
    assert "1048577 bytes of embedding_status" in reason
    assert system.index().records[line(2).chroma_id].metadata["is_noise"] is True


def test_a_batch_that_chroma_itself_refuses_is_bisected(system: RealServerSystem) -> None:
    """The vectors have the collection's four dimensions, but one text is not valid Unicode."""
    worker = system.worker()
    system.handle(worker, *embed_all(system))
    for number in (1, 2, 3):
        system.table.put(
            line(number), text="new", embedding_status="\ud800" if number == 2 else "S"
        )
    bodies = [system.change_body(line(n), "embedding_status") for n in (1, 2, 3)]
    assert system.handle(worker, *bodies).returned == {}
    ((body, reason, _),) = system.dead_letters.parked
    assert json.loads(body)["entity_data"]["line_id"] == 2
    assert reason == "Chroma's update failed: TypeError"
    assert system.index().records[line(3).chroma_id].metadata["embedding_status"] == "S"


def test_while_the_server_is_down_everything_returns_and_nothing_is_lost(tmp_path: Path) -> None:
    server = ChromaServer(tmp_path)
    system = RealServerSystem(server.settings)
    system.table.put(line(1), text="a")
    worker, vectors = system.worker(), system.delta_body([line(1)])
    cold = system.handle(worker, vectors)
    assert "did not answer 'open': ConnectError" in cold.returned["0"]
    try:
        server.start()
        assert system.handle(worker, vectors).returned == {}
        system.table.put(line(1), text="b")
        change = system.change_body(line(1), "text")
        server.stop()
        warm = system.handle(worker, change)
        assert "did not answer 'get': ConnectError" in warm.returned["0"]
        assert system.dead_letters.parked == []
        server.start()
        assert system.handle(worker, change).returned == {}
        assert system.differences() == []
        system.close()
    finally:
        server.stop()


def test_a_collection_that_is_gone_is_no_empty_one(
    system: RealServerSystem, chroma: ChromaServer, chroma_settings: ChromaSettings
) -> None:
    worker = system.worker()
    system.handle(worker, *embed_all(system))
    client = chroma.client(str(chroma_settings.chroma_database))
    client.delete_collection(LINES.value)
    body = system.change_body(line(1), "text")
    first, second = system.handle(worker, body), system.handle(worker, body)
    assert "no longer has the collection" in first.returned["0"]
    assert "the server has no collection receipt_lines" in second.returned["0"]
    assert system.telemetry.total(Metric.SNAPSHOTS_DAMAGED) == 1
    ServerIndexes(chroma_settings).open(LINES, create=True).close()
    third = system.handle(worker, body)
    assert "is not the one that version 1 was written to" in third.returned["0"]


def test_a_collection_of_another_distance_is_refused(
    chroma: ChromaServer, chroma_settings: ChromaSettings
) -> None:
    client = chroma.client(str(chroma_settings.chroma_database))
    client.create_collection(
        LINES.value, configuration={"hnsw": {"space": "l2"}}, embedding_function=None
    )
    with pytest.raises(SnapshotDamagedError, match="its distance is l2, and not cosine"):
        ServerIndexes(chroma_settings).open(LINES, create=True)


def test_a_database_that_is_not_there_is_named(chroma: ChromaServer) -> None:
    absent = chroma.settings.model_copy(update={"chroma_database": "nowhere"})
    with pytest.raises(IndexUnavailableError, match="correct CHROMA_TENANT and CHROMA_DATABASE"):
        ServerIndexes(absent).open(LINES, create=True)
