"""The compactor's logic on fakes: what becomes of messages, records and leases."""

import json
import threading
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest

from compactor.cycle.delete_guard import DeleteGuard
from receipt_index.deltas import VectorBatch, decode, encode
from receipt_ops.deployment.freshness import percentiles
from receipt_sync.errors import IndexFailedError, TableReadError
from receipt_sync.keys import Collection
from receipt_sync.messages import Delta, batch_body
from receipt_sync.telemetry import Metric
from tests.support.fakes.index import InMemoryIndex
from tests.support.fakes.target import InMemoryTarget
from tests.support.fakes.world import DIMENSION, World, line, metadata, word


@pytest.fixture
def world() -> World:
    return World()


def load(world: World, lines: int = 3) -> None:
    """A receipt of some lines of two words, with their vectors applied."""
    world.table.put(metadata(), merchant_name="Cafe")
    keys = [line(number) for number in range(1, lines + 1)]
    words = [word(number, key.line_id) for key in keys for number in (1, 2)]
    for key in (*keys, *words):
        world.table.put(key, text=f"text of {key.sk}", embedding_status="SUCCESS")
    report = world.handle(world.worker(), world.delta_body(keys), world.delta_body(words))
    assert report.returned == {}
    assert world.differences() == []


def test_a_vectors_arrival_inserts_the_record_with_all_of_its_parts(world: World):
    load(world)
    record = world.index().records[line(2).chroma_id]
    assert record.metadata["merchant_name"] == "Cafe"
    assert record.metadata["prev_line_text"] == world.table.items[line(1)]["text"]
    assert len(world.index(Collection.WORDS).records) == 6


def test_a_merchants_new_name_reaches_every_line_and_word(world: World):
    load(world)
    world.table.put(metadata(), merchant_name="New Cafe")
    report = world.handle(world.worker(), world.change_body(metadata(), "merchant_name"))
    assert [cycle.updated for cycle in report.cycles] == [3, 6]
    assert world.differences() == []


def test_a_lines_new_text_reaches_its_neighbours_context(world: World):
    load(world)
    world.table.items[line(2)]["text"] = "edited"
    world.handle(world.worker(), world.change_body(line(2), "text"))
    assert world.index().records[line(1).chroma_id].metadata["next_line_text"] == "edited"
    assert world.index().records[line(2).chroma_id].metadata["embedding_stale"] is True
    assert world.differences() == []


def test_a_deleted_word_leaves_the_index_and_its_neighbours_context(world: World):
    load(world)
    del world.table.items[word(1)]
    world.handle(world.worker(), world.change_body(word(1), event="REMOVE"))
    records = world.index(Collection.WORDS).records
    assert word(1).chroma_id not in records
    assert "prev_word_text" not in records[word(2).chroma_id].metadata
    assert world.differences() == []


def test_message_twice_late_reordered_ends_in_the_same_state(world: World):
    load(world)
    old = world.change_body(line(1), "text")
    world.table.items[line(1)]["text"] = "first"
    world.table.items[line(1)]["text"] = "second"
    new = world.change_body(line(1), "text")
    for bodies in ([new, old], [old], [new, new, old]):
        world.handle(world.worker(), *bodies)
        assert world.differences() == []


def test_change_before_its_vector_exists_updates_nothing_and_the_vector_brings_the_present(
    world: World,
):
    world.table.put(line(1), text="a")
    body = world.delta_body([line(1)])
    world.table.items[line(1)]["text"] = "b"
    report = world.handle(world.worker(), world.change_body(line(1), "text"))
    assert report.returned == {}
    assert world.index().records == {}
    world.handle(world.worker(), body)
    assert world.index().records[line(1).chroma_id].metadata["text"] == "b"


def test_entity_deleted_before_its_vector_arrives_is_not_inserted(world: World):
    world.table.put(line(1), text="a")
    body = world.delta_body([line(1)])
    del world.table.items[line(1)]
    report = world.handle(world.worker(), body)
    assert report.returned == {}
    assert report.cycles[0].dropped_vectors == 1
    assert world.index().records == {}


def test_a_burst_of_500_changes_to_one_line_costs_as_one(world: World):
    load(world)
    reads = world.table.reads
    world.index().calls.clear()
    bodies = []
    for number in range(500):
        world.table.items[line(2)]["text"] = f"edit {number}"
        bodies.append(world.change_body(line(2), "text"))
    world.handle(world.worker(), *bodies)
    assert world.differences() == []
    assert world.table.reads - reads == 3
    assert world.index().calls == [("update", 3)]


def test_table_throttles_then_fails_and_nothing_is_deleted(world: World):
    load(world)
    world.table.failing = TableReadError("throttled to the end")
    report = world.handle(world.worker(), world.change_body(line(1), event="REMOVE"))
    assert "throttled" in report.returned["0"]
    assert len(world.index().records) == 3


def test_a_cycle_that_would_delete_more_than_its_share_stops_and_raises_an_alarm(world: World):
    load(world)
    for number in (1, 2, 3):
        del world.table.items[line(number)]
    careful = world.worker(guard=DeleteGuard(share=0.5, floor=1))
    bodies = [world.change_body(line(n), event="REMOVE") for n in (1, 2, 3)]
    report = world.handle(careful, *bodies)
    assert set(report.returned) == {"0", "1", "2"}
    assert "MAX_DELETE_SHARE" in report.returned["0"]
    assert len(world.index().records) == 3
    assert world.telemetry.total(Metric.MASS_DELETES_REFUSED) == 1


def test_the_guard_lets_a_small_collection_lose_a_receipt(world: World):
    load(world)
    for number in (1, 2, 3):
        del world.table.items[line(number)]
    bodies = [world.change_body(line(n), event="REMOVE") for n in (1, 2, 3)]
    assert world.handle(world.worker(), *bodies).returned == {}
    assert world.index().records == {}


def test_a_batch_message_is_a_batch_of_changes(world: World):
    load(world)
    world.table.items[line(1)]["text"] = "x"
    world.table.items[word(2)]["text"] = "y"
    items = [world.change_body(line(1), "text"), world.change_body(word(2), "text")]
    report = world.handle(world.worker(), batch_body(items))
    assert report.returned == {}
    assert world.differences() == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("not json", "not JSON"),
        ('{"source": "weather"}', "source 'weather'"),
        ('{"schema": 1}', "source None"),
        ("[]", "no object"),
    ],
)
def test_poison_is_parked_with_its_reason_and_the_rest_flows(world: World, body: str, reason: str):
    load(world)
    world.table.items[line(1)]["text"] = "x"
    report = world.handle(world.worker(), body, world.change_body(line(1), "text"))
    assert report.returned == {}
    ((parked, why, message_id),) = world.dead_letters.parked
    assert (parked, message_id) == (body, "0")
    assert reason in why
    assert world.differences() == []


def test_a_malformed_key_in_a_message_is_parked(world: World):
    body = json.loads(world.change_body(line(1), "text"))
    body["entity_data"]["line_id"] = 10**18
    world.handle(world.worker(), json.dumps(body))
    assert "line_id" in world.dead_letters.parked[0][1]


def test_a_delta_of_the_wrong_dimension_is_parked_and_the_good_one_applied(world: World):
    load(world)
    world.table.put(line(4), text="a")
    world.table.put(line(5), text="b")
    bad = world.delta_body([line(4)], dimension=DIMENSION + 1)
    good = world.delta_body([line(5)])
    report = world.handle(world.worker(), bad, good)
    assert report.returned == {}
    assert "dimensions" in world.dead_letters.parked[0][1]
    assert line(5).chroma_id in world.index().records
    assert line(4).chroma_id not in world.index().records


def test_a_delta_that_is_not_there_is_parked(world: World):
    world.table.put(line(1), text="a")
    body = world.delta_body([line(1)])
    world.deltas.objects.clear()
    world.handle(world.worker(), body)
    assert "there is no object" in world.dead_letters.parked[0][1]


def test_a_bucket_that_does_not_answer_returns_the_delta_alone(world: World):
    load(world)
    body = world.delta_body([line(1)])
    world.deltas.failing = ConnectionError("down")
    report = world.handle(world.worker(), body, world.change_body(line(2), "text"))
    assert list(report.returned) == ["0"]
    assert world.dead_letters.parked == []


def test_poison_that_could_not_be_parked_comes_back(world: World):
    world.dead_letters.failing = ConnectionError("down")
    report = world.handle(world.worker(), "not json")
    assert list(report.returned) == ["0"]


def test_an_items_poison_is_parked_only_once_the_rest_of_its_message_is_done(world: World):
    load(world)
    body = batch_body([world.change_body(line(1), "text"), '{"source": "dynamodb_stream"}'])
    world.table.failing = TableReadError("throttled")
    assert list(world.handle(world.worker(), body).returned) == ["0"]
    assert world.dead_letters.parked == []
    world.table.failing = None
    assert world.handle(world.worker(), body).returned == {}
    assert len(world.dead_letters.parked) == 1


def test_a_poison_record_in_a_batch_of_1000_leaves_999_applied_and_one_parked(world: World):
    keys = [line(number) for number in range(1, 1001)]
    for key in keys:
        world.table.put(key, text="a")
    world.handle(world.worker(), world.delta_body(keys))
    for key in keys:
        world.table.items[key]["confidence"] = 1
    world.index().poisonous.add(line(500).chroma_id)
    items = [world.change_body(key, "confidence") for key in keys]
    report = world.handle(world.worker(), batch_body(items))
    assert report.returned == {}
    ((body, _, _),) = world.dead_letters.parked
    assert json.loads(body)["entity_data"]["line_id"] == 500
    applied = [r for r in world.index().records.values() if "confidence" in r.metadata]
    assert len(applied) == 999


def test_chroma_raises_internalerror_for_everything_so_the_batch_goes_back(world: World):
    load(world)
    world.index().poisonous.update(world.index().records)
    for number in (1, 2, 3):
        world.table.items[line(number)]["text"] = "x"
    bodies = [world.change_body(line(n), "text") for n in (1, 2, 3)]
    report = world.handle(world.worker(), *bodies)
    assert set(report.returned) == {"0", "1", "2"}
    assert world.dead_letters.parked == []


def test_a_paused_worker_wakes_after_another_took_over_and_is_refused(world: World):
    """I3 and I4: it read the old truth, and its successor found nothing to write."""
    load(world)
    successor = world.worker("successor")

    class Paused(InMemoryTarget):
        def publish(self, record_count):
            world.clock.advance(61)  # the lease runs out, the table changes, another takes over
            world.table.items[line(1)]["text"] = "newest"
            assert world.handle(successor, world.change_body(line(1), "text")).returned == {}
            return super().publish(record_count)

    world.table.items[line(1)]["text"] = "newer"
    body = world.change_body(line(1), "text")
    report = world.handle(world.worker("paused", wrap=lambda t: Paused(t.state)), body)
    assert list(report.returned) == ["0"]
    assert "PublishRefusedError" in report.returned["0"]
    assert world.differences() == []


def test_a_cycle_with_nothing_to_write_publishes_an_empty_version_before_it_acknowledges(
    world: World,
):
    load(world)
    before = world.published[Collection.LINES].version
    world.handle(world.worker(), world.change_body(line(1), "text"))
    assert world.published[Collection.LINES].version == before + 1


def test_a_new_base_that_has_to_wait_is_a_metric_and_an_event_with_its_reason(world: World):
    load(world)

    class WithoutRoom(InMemoryTarget):
        def publish(self, record_count):
            return replace(super().publish(record_count), postponed="it needs 2 s")

    worker = world.worker(wrap=lambda t: WithoutRoom(t.state))
    assert world.handle(worker, world.change_body(line(1), "text")).returned == {}
    assert world.telemetry.total(Metric.REBASES_POSTPONED) == 1
    told = [fields for name, fields in world.telemetry.events if name == "rebase postponed"]
    assert told == [{"collection": Collection.LINES, "reason": "it needs 2 s"}]


def test_a_vector_that_float32_distance_cannot_hold_is_parked_with_the_rule(world: World):
    world.table.put(line(1), text="a")
    body = world.delta_body([line(1)])
    (key,) = world.deltas.objects
    huge = VectorBatch(
        key[-30:-4], (line(1).chroma_id,), np.full((1, DIMENSION), 1e20, np.float32), ("a",)
    )
    world.deltas.objects[key] = encode(huge)
    assert world.handle(world.worker(), body).returned == {}
    assert world.index().records == {}
    (parked,) = world.dead_letters.parked
    assert "it must be 0, or from 1e-15 to 1e+15" in str(parked)


def test_a_holder_that_could_not_heartbeat_stops_before_it_publishes(world: World):
    load(world)
    slow = world.worker("slow")
    version = world.published[Collection.LINES].version
    read = world.table.get

    def slow_get(keys, deadline):
        world.clock.advance(61)
        return read(keys, deadline)

    world.table.get = slow_get  # type: ignore[method-assign]
    report = world.handle(slow, world.change_body(line(1), "text"))
    assert "LeaseLostError" in report.returned["0"]
    assert world.published[Collection.LINES].version == version


def test_a_held_lock_returns_the_messages_and_never_says_skipped(world: World):
    load(world)
    other = world.worker("other")
    lease = other._cycles[Collection.LINES]._lease
    with lease.held(world.deadline()):
        busy = world.worker("busy")
        messages = world.change_body(line(1), "text")
        report = busy.handle([_message(messages)], world.deadline(seconds=30))
    assert "LeaseUnavailableError" in report.returned["0"]
    assert world.telemetry.total(Metric.COMPACTION_LOCK_CONTENTIONS) > 0


def test_a_lease_that_can_not_be_released_returns_nothing_that_was_published(world: World):
    load(world)
    world.table.items[line(1)]["text"] = "newer"

    def release(*_: object) -> bool:
        raise ConnectionError("no answer")

    world.locks.release = release  # type: ignore[method-assign]
    report = world.handle(world.worker(), world.change_body(line(1), "text"))
    assert report.returned == {}
    assert world.differences() == []
    assert len(report.cycles) == 1
    assert "lease not released" in repr(world.telemetry.problems)


def test_a_failure_of_the_cycle_is_told_and_not_that_of_the_release_after_it(world: World):
    load(world)

    def release(*_: object) -> bool:
        raise ConnectionError("no answer")

    world.locks.release = release  # type: ignore[method-assign]
    world.table.failing = TableReadError("throttled")
    report = world.handle(world.worker(), world.change_body(line(1), "text"))
    assert "TableReadError" in report.returned["0"]


def test_two_passing_errors_of_chroma_set_no_good_message_aside(world: World):
    load(world)
    for number in (1, 2):
        world.table.items[line(number)]["confidence"] = 1
    update, calls = InMemoryIndex.update, []

    def fails_twice(self, values):
        calls.append(list(values))
        if len(calls) in (1, 2):
            raise IndexFailedError("Chroma's update failed: InternalError")
        update(self, values)

    with patch.object(InMemoryIndex, "update", fails_twice):
        bodies = [world.change_body(line(n), "confidence") for n in (1, 2)]
        report = world.handle(world.worker(), *bodies)
    assert report.returned == {}
    assert world.dead_letters.parked == []
    assert world.differences() == []


def test_deltas_are_decoded_in_one_thread(world: World):
    """NumPy reads headers by ast.literal_eval, which two threads must not at a time (gh-106905)."""
    keys = [line(number) for number in range(1, 9)]
    for key in keys:
        world.table.put(key, text="a")
    threads = set()

    def watched(data: bytes, delta: Delta) -> VectorBatch:
        threads.add(threading.get_ident())
        return decode(data, delta)

    with patch("compactor.batch.fetching.decode", watched):
        world.handle(world.worker(), *[world.delta_body([key]) for key in keys])
    assert threads == {threading.get_ident()}
    assert len(world.index().records) == 8


def test_a_cycle_that_fails_is_counted_with_its_duration_as_it_costs_as_much(world: World):
    load(world)
    before = len([name for name, _ in world.telemetry.values if name is Metric.COMPACTION_DURATION])
    world.table.failing = TableReadError("throttled")
    assert world.handle(world.worker(), world.change_body(line(1), "text")).returned
    durations = [v for name, v in world.telemetry.values if name is Metric.COMPACTION_DURATION]
    assert len(durations) == before + 1


def test_freshness_is_measured_from_the_stream_records_time(world: World):
    load(world)
    body = world.change_body(line(1), "confidence")
    world.clock.advance(2.5)
    world.handle(world.worker(), body)
    assert world.telemetry.total(Metric.FRESHNESS) == pytest.approx(2500)


def test_an_index_that_can_not_be_opened_sets_no_good_message_aside(world: World):
    """Found by seed 5029 of the simulation: five failures to open the copy, one success between."""
    load(world)
    worker = world.worker()
    target = worker._cycles[Collection.LINES]._target
    checkout, tries = target.checkout, iter(range(100))

    def flaky() -> InMemoryIndex:
        if next(tries) != 1:
            raise IndexFailedError("Chroma's open failed: InternalError")
        return checkout()

    target.checkout = flaky  # type: ignore[method-assign]
    bodies = [world.change_body(line(number), "confidence") for number in (1, 2)]
    report = world.handle(worker, *bodies)
    assert world.dead_letters.parked == []
    assert set(report.returned) == {"0", "1"}
    assert "IndexUnavailableError" in report.returned["0"]


def test_freshness_weighs_every_change_alike_however_large_its_batch_is(world: World):
    """The percentiles of one late batch and many prompt ones (defect `freshness_weight`)."""
    load(world)
    late = [world.change_body(line(1), "confidence") for _ in range(500)]
    world.clock.advance(300)
    world.handle(world.worker(), *late)
    for _ in range(20):
        prompt = [world.change_body(line(1), "confidence") for _ in range(10)]
        world.clock.advance(2)
        world.handle(world.worker(), *prompt)
    values = world.telemetry.values
    measured = [value / 1000 for name, value in values if name is Metric.FRESHNESS]
    assert len(measured) == 500 + 200
    found = percentiles(measured)
    assert found is not None
    assert (found.p50, found.longest) == (pytest.approx(300, abs=1), pytest.approx(300, abs=1))


def test_receipt_text_never_enters_a_log_or_a_metric(world: World):
    load(world)
    secret = "SECRET-TEXT"
    world.table.items[line(1)]["text"] = secret
    world.table.put(metadata(), merchant_name=secret)
    bodies = [world.change_body(line(1), "text")]
    world.index().poisonous.add(line(2).chroma_id)
    world.handle(world.worker(), *bodies, world.change_body(metadata(), "merchant_name"))
    assert secret not in repr(world.telemetry.events) + repr(world.telemetry.problems)
    assert secret not in repr([reason for _, reason, _ in world.dead_letters.parked])


def _message(body: str):
    from compactor.batch.entries import QueueMessage

    return QueueMessage("0", body)
