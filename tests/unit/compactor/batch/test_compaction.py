"""The compactor's logic on fakes: what becomes of messages, records and leases."""

import json
import threading
from collections import abc
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

import numpy as np
import pytest

from compactor.batch.entries import QueueMessage
from compactor.cycle.delete_guard import DeleteGuard
from compactor.cycle.projection import Item
from receipt_index.deltas import VectorBatch, decode, encode
from receipt_index.records import Index, Metadata
from receipt_index.snapshot.copies.rebuilding import Rebuilt
from receipt_index.snapshot.copies.working_copy import Published
from receipt_ops.deployment.freshness import percentiles
from receipt_sync.deadline import Deadline
from receipt_sync.errors import IndexFailedError, TableReadError
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta, batch_body
from receipt_sync.telemetry import Metric
from tests.support.fakes.index import InMemoryIndex
from tests.support.fakes.system import DIMENSION, InMemorySystem, line, metadata, word
from tests.support.fakes.target import InMemoryTarget


@pytest.fixture
def system() -> InMemorySystem:
    return InMemorySystem()


def load(system: InMemorySystem, lines: int = 3) -> None:
    """A receipt of some lines of two words, with their vectors applied."""
    system.table.put(metadata(), merchant_name="Cafe")
    keys = [line(number) for number in range(1, lines + 1)]
    words = [word(number, line_id) for line_id in range(1, lines + 1) for number in (1, 2)]
    for key in (*keys, *words):
        system.table.put(key, text=f"text of {key.sk}", embedding_status="SUCCESS")
    report = system.handle(system.worker(), system.delta_body(keys), system.delta_body(words))
    assert report.returned == {}
    assert system.differences() == []


def test_a_vectors_arrival_inserts_the_record_with_all_of_its_parts(system: InMemorySystem) -> None:
    load(system)
    record = system.index().records[line(2).chroma_id]
    assert record.metadata["merchant_name"] == "Cafe"
    assert record.metadata["prev_line_text"] == system.table.items[line(1)]["text"]
    assert len(system.index(Collection.WORDS).records) == 6


def test_a_merchants_new_name_reaches_every_line_and_word(system: InMemorySystem) -> None:
    load(system)
    system.table.put(metadata(), merchant_name="New Cafe")
    report = system.handle(system.worker(), system.change_body(metadata(), "merchant_name"))
    assert [cycle.updated for cycle in report.cycles] == [3, 6]
    assert system.differences() == []


def test_a_lines_new_text_reaches_its_neighbours_context(system: InMemorySystem) -> None:
    load(system)
    system.table.items[line(2)]["text"] = "edited"
    system.handle(system.worker(), system.change_body(line(2), "text"))
    assert system.index().records[line(1).chroma_id].metadata["next_line_text"] == "edited"
    assert system.index().records[line(2).chroma_id].metadata["embedding_stale"] is True
    assert system.differences() == []


def test_a_deleted_word_leaves_the_index_and_its_neighbours_context(system: InMemorySystem) -> None:
    load(system)
    del system.table.items[word(1)]
    system.handle(system.worker(), system.change_body(word(1), event="REMOVE"))
    records = system.index(Collection.WORDS).records
    assert word(1).chroma_id not in records
    assert "prev_word_text" not in records[word(2).chroma_id].metadata
    assert system.differences() == []


def test_message_twice_late_reordered_ends_in_the_same_state(system: InMemorySystem) -> None:
    load(system)
    old = system.change_body(line(1), "text")
    system.table.items[line(1)]["text"] = "first"
    system.table.items[line(1)]["text"] = "second"
    new = system.change_body(line(1), "text")
    for bodies in ([new, old], [old], [new, new, old]):
        system.handle(system.worker(), *bodies)
        assert system.differences() == []


def test_change_before_its_vector_exists_updates_nothing_and_the_vector_brings_the_present(
    system: InMemorySystem,
) -> None:
    system.table.put(line(1), text="a")
    body = system.delta_body([line(1)])
    system.table.items[line(1)]["text"] = "b"
    report = system.handle(system.worker(), system.change_body(line(1), "text"))
    assert report.returned == {}
    assert system.index().records == {}
    system.handle(system.worker(), body)
    assert system.index().records[line(1).chroma_id].metadata["text"] == "b"


def test_entity_deleted_before_its_vector_arrives_is_not_inserted(system: InMemorySystem) -> None:
    system.table.put(line(1), text="a")
    body = system.delta_body([line(1)])
    del system.table.items[line(1)]
    report = system.handle(system.worker(), body)
    assert report.returned == {}
    assert report.cycles[0].dropped_vectors == 1
    assert system.index().records == {}


def test_a_burst_of_500_changes_to_one_line_costs_as_one(system: InMemorySystem) -> None:
    load(system)
    reads = system.table.reads
    system.index().calls.clear()
    bodies = []
    for number in range(500):
        system.table.items[line(2)]["text"] = f"edit {number}"
        bodies.append(system.change_body(line(2), "text"))
    system.handle(system.worker(), *bodies)
    assert system.differences() == []
    assert system.table.reads - reads == 3
    assert system.index().calls == [("update", 3)]


def test_table_throttles_then_fails_and_nothing_is_deleted(system: InMemorySystem) -> None:
    load(system)
    system.table.failing = TableReadError("throttled to the end")
    report = system.handle(system.worker(), system.change_body(line(1), event="REMOVE"))
    assert "throttled" in report.returned["0"]
    assert len(system.index().records) == 3


def test_a_cycle_that_would_delete_more_than_its_share_stops_and_raises_an_alarm(
    system: InMemorySystem,
) -> None:
    load(system)
    for number in (1, 2, 3):
        del system.table.items[line(number)]
    careful = system.worker(guard=DeleteGuard(share=0.5, floor=1))
    bodies = [system.change_body(line(n), event="REMOVE") for n in (1, 2, 3)]
    report = system.handle(careful, *bodies)
    assert set(report.returned) == {"0", "1", "2"}
    assert "MAX_DELETE_SHARE" in report.returned["0"]
    assert len(system.index().records) == 3
    assert system.telemetry.total(Metric.MASS_DELETES_REFUSED) == 1


def test_the_guard_lets_a_small_collection_lose_a_receipt(system: InMemorySystem) -> None:
    load(system)
    for number in (1, 2, 3):
        del system.table.items[line(number)]
    bodies = [system.change_body(line(n), event="REMOVE") for n in (1, 2, 3)]
    assert system.handle(system.worker(), *bodies).returned == {}
    assert system.index().records == {}


def test_a_batch_message_is_a_batch_of_changes(system: InMemorySystem) -> None:
    load(system)
    system.table.items[line(1)]["text"] = "x"
    system.table.items[word(2)]["text"] = "y"
    items = [system.change_body(line(1), "text"), system.change_body(word(2), "text")]
    report = system.handle(system.worker(), batch_body(items))
    assert report.returned == {}
    assert system.differences() == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("not json", "not JSON"),
        ('{"source": "weather"}', "source 'weather'"),
        ('{"schema": 1}', "source None"),
        ("[]", "no object"),
    ],
)
def test_poison_is_parked_with_its_reason_and_the_rest_flows(
    system: InMemorySystem, body: str, reason: str
) -> None:
    load(system)
    system.table.items[line(1)]["text"] = "x"
    report = system.handle(system.worker(), body, system.change_body(line(1), "text"))
    assert report.returned == {}
    ((parked, why, message_id),) = system.dead_letters.parked
    assert (parked, message_id) == (body, "0")
    assert reason in why
    assert system.differences() == []


def test_a_malformed_key_in_a_message_is_parked(system: InMemorySystem) -> None:
    body = json.loads(system.change_body(line(1), "text"))
    body["entity_data"]["line_id"] = 10**18
    system.handle(system.worker(), json.dumps(body))
    assert "line_id" in system.dead_letters.parked[0][1]


def test_a_delta_of_the_wrong_dimension_is_parked_and_the_good_one_applied(
    system: InMemorySystem,
) -> None:
    load(system)
    system.table.put(line(4), text="a")
    system.table.put(line(5), text="b")
    bad = system.delta_body([line(4)], dimension=DIMENSION + 1)
    good = system.delta_body([line(5)])
    report = system.handle(system.worker(), bad, good)
    assert report.returned == {}
    assert "dimensions" in system.dead_letters.parked[0][1]
    assert line(5).chroma_id in system.index().records
    assert line(4).chroma_id not in system.index().records


def test_a_collection_whose_last_record_was_deleted_keeps_its_dimension(
    system: InMemorySystem,
) -> None:
    """The delta was tried until SQS gave up, because Chroma refuses its vectors."""
    system.table.put(line(1), text="a")
    system.handle(system.worker(), system.delta_body([line(1)]))
    del system.table.items[line(1)]
    removed = system.change_body(line(1), event="REMOVE")
    system.handle(system.worker(), removed)
    assert not system.index().records
    system.table.put(line(2), text="b")
    bad = system.delta_body([line(2)], dimension=DIMENSION + 1)
    report = system.handle(system.worker(), bad)
    assert report.returned == {}
    assert "dimensions" in system.dead_letters.parked[0][1]


def test_a_delta_that_is_not_there_is_parked(system: InMemorySystem) -> None:
    system.table.put(line(1), text="a")
    body = system.delta_body([line(1)])
    system.deltas.objects.clear()
    system.handle(system.worker(), body)
    assert "there is no object" in system.dead_letters.parked[0][1]


def test_a_bucket_that_does_not_answer_returns_the_delta_alone(system: InMemorySystem) -> None:
    load(system)
    body = system.delta_body([line(1)])
    system.deltas.failing = ConnectionError("down")
    report = system.handle(system.worker(), body, system.change_body(line(2), "text"))
    assert list(report.returned) == ["0"]
    assert system.dead_letters.parked == []


def test_poison_that_could_not_be_parked_comes_back(system: InMemorySystem) -> None:
    system.dead_letters.failing = ConnectionError("down")
    report = system.handle(system.worker(), "not json")
    assert list(report.returned) == ["0"]


def test_an_items_poison_is_parked_only_once_the_rest_of_its_message_is_done(
    system: InMemorySystem,
) -> None:
    load(system)
    body = batch_body([system.change_body(line(1), "text"), '{"source": "dynamodb_stream"}'])
    system.table.failing = TableReadError("throttled")
    assert list(system.handle(system.worker(), body).returned) == ["0"]
    assert system.dead_letters.parked == []
    system.table.failing = None
    assert system.handle(system.worker(), body).returned == {}
    assert len(system.dead_letters.parked) == 1


def test_a_poison_record_in_a_batch_of_1000_leaves_999_applied_and_one_parked(
    system: InMemorySystem,
) -> None:
    keys = [line(number) for number in range(1, 1001)]
    for key in keys:
        system.table.put(key, text="a")
    system.handle(system.worker(), system.delta_body(keys))
    for key in keys:
        system.table.items[key]["confidence"] = 1
    system.index().poisonous.add(line(500).chroma_id)
    items = [system.change_body(key, "confidence") for key in keys]
    report = system.handle(system.worker(), batch_body(items))
    assert report.returned == {}
    ((body, _, _),) = system.dead_letters.parked
    assert json.loads(body)["entity_data"]["line_id"] == 500
    applied = [r for r in system.index().records.values() if "confidence" in r.metadata]
    assert len(applied) == 999


def test_chroma_raises_internalerror_for_everything_so_the_batch_goes_back(
    system: InMemorySystem,
) -> None:
    load(system)
    system.index().poisonous.update(system.index().records)
    for number in (1, 2, 3):
        system.table.items[line(number)]["text"] = "x"
    bodies = [system.change_body(line(n), "text") for n in (1, 2, 3)]
    report = system.handle(system.worker(), *bodies)
    assert set(report.returned) == {"0", "1", "2"}
    assert system.dead_letters.parked == []


def test_a_paused_worker_wakes_after_another_took_over_and_is_refused(
    system: InMemorySystem,
) -> None:
    """I3 and I4: it read the old truth, and its successor found nothing to write."""
    load(system)
    successor = system.worker("successor")

    class Paused(InMemoryTarget):
        def publish(self, record_count: int | None) -> Published:
            system.clock.advance(61)  # the lease runs out, the table changes, another takes over
            system.table.items[line(1)]["text"] = "newest"
            assert system.handle(successor, system.change_body(line(1), "text")).returned == {}
            return super().publish(record_count)

    system.table.items[line(1)]["text"] = "newer"
    body = system.change_body(line(1), "text")
    report = system.handle(system.worker("paused", wrap=lambda t: Paused(t.state)), body)
    assert list(report.returned) == ["0"]
    assert "PublishRefusedError" in report.returned["0"]
    assert system.differences() == []


def test_a_cycle_with_nothing_to_write_publishes_an_empty_version_before_it_acknowledges(
    system: InMemorySystem,
) -> None:
    load(system)
    before = system.published[Collection.LINES].version
    system.handle(system.worker(), system.change_body(line(1), "text"))
    assert system.published[Collection.LINES].version == before + 1


def test_a_new_base_that_has_to_wait_is_a_metric_and_an_event_with_its_reason(
    system: InMemorySystem,
) -> None:
    load(system)

    class WithoutRoom(InMemoryTarget):
        def publish(self, record_count: int | None) -> Published:
            return replace(super().publish(record_count), postponed="a new base needs 2 s")

    worker = system.worker(wrap=lambda t: WithoutRoom(t.state))
    assert system.handle(worker, system.change_body(line(1), "text")).returned == {}
    assert system.telemetry.total(Metric.REBASES_POSTPONED) == 1
    postponed = [fields for name, fields in system.telemetry.events if name == "rebase postponed"]
    assert postponed == [{"collection": Collection.LINES, "reason": "a new base needs 2 s"}]


def test_a_rebuild_is_a_metric_and_an_event_and_so_is_one_that_has_to_wait(
    system: InMemorySystem,
) -> None:
    load(system)

    class Rebuilds(InMemoryTarget):
        def publish(self, record_count: int | None) -> Published:
            published = super().publish(record_count)
            return replace(published, rebuilt=Rebuilt(10, 20), rebuild_postponed="it needs 2 s")

    worker = system.worker(wrap=lambda t: Rebuilds(t.state))
    assert system.handle(worker, system.change_body(line(1), "text")).returned == {}
    assert system.telemetry.total(Metric.REBUILDS) == 1
    assert system.telemetry.total(Metric.REBUILDS_POSTPONED) == 1
    events = dict(system.telemetry.events)
    version = system.published[Collection.LINES].version
    assert events["index rebuilt"] == {
        "collection": Collection.LINES,
        "version": version,
        "records": 10,
        "elements": 20,
    }
    assert events["rebuild postponed"] == {
        "collection": Collection.LINES,
        "reason": "it needs 2 s",
    }


def test_a_vector_that_float32_distance_cannot_hold_is_parked_with_the_rule(
    system: InMemorySystem,
) -> None:
    system.table.put(line(1), text="a")
    body = system.delta_body([line(1)])
    (key,) = system.deltas.objects
    huge = VectorBatch(
        key[-30:-4], (line(1).chroma_id,), np.full((1, DIMENSION), 1e20, np.float32), ("a",)
    )
    system.deltas.objects[key] = encode(huge)
    assert system.handle(system.worker(), body).returned == {}
    assert system.index().records == {}
    (parked,) = system.dead_letters.parked
    assert "it must be 0, or from 1e-15 to 1e+15" in str(parked)


def test_a_holder_that_could_not_heartbeat_stops_before_it_publishes(
    system: InMemorySystem,
) -> None:
    load(system)
    slow = system.worker("slow")
    version = system.published[Collection.LINES].version
    read = system.table.get

    def slow_get(
        keys: abc.Collection[EntityKey], deadline: Deadline
    ) -> dict[EntityKey, Item | None]:
        system.clock.advance(61)
        return read(keys, deadline)

    system.table.get = slow_get  # type: ignore[method-assign]
    report = system.handle(slow, system.change_body(line(1), "text"))
    assert "LeaseLostError" in report.returned["0"]
    assert system.published[Collection.LINES].version == version


def test_a_held_lock_returns_the_messages_and_never_says_skipped(system: InMemorySystem) -> None:
    load(system)
    other = system.worker("other")
    lease = other._cycles[Collection.LINES]._lease
    with lease.held(system.deadline()):
        busy = system.worker("busy")
        messages = system.change_body(line(1), "text")
        report = busy.handle([_message(messages)], system.deadline(seconds=30))
    assert "LeaseUnavailableError" in report.returned["0"]
    # A killed holder's lease has expired by then. The queue's own time may fall together with the
    # next worker that the same message kills.
    assert report.retry_at["0"] - system.clock.now() == timedelta(seconds=60)
    assert system.telemetry.total(Metric.COMPACTION_LOCK_CONTENTIONS) > 0


def test_a_lease_that_can_not_be_released_returns_nothing_that_was_published(
    system: InMemorySystem,
) -> None:
    load(system)
    system.table.items[line(1)]["text"] = "newer"

    def release(lock_id: str, owner: str) -> bool:
        raise ConnectionError("no answer")

    system.locks.release = release  # type: ignore[method-assign]
    report = system.handle(system.worker(), system.change_body(line(1), "text"))
    assert report.returned == {}
    assert system.differences() == []
    assert len(report.cycles) == 1
    assert "lease not released" in repr(system.telemetry.problems)


def test_a_failure_of_the_cycle_is_told_and_not_that_of_the_release_after_it(
    system: InMemorySystem,
) -> None:
    load(system)

    def release(lock_id: str, owner: str) -> bool:
        raise ConnectionError("no answer")

    system.locks.release = release  # type: ignore[method-assign]
    system.table.failing = TableReadError("throttled")
    report = system.handle(system.worker(), system.change_body(line(1), "text"))
    assert "TableReadError" in report.returned["0"]


def test_two_passing_errors_of_chroma_set_no_good_message_aside(system: InMemorySystem) -> None:
    load(system)
    for number in (1, 2):
        system.table.items[line(number)]["confidence"] = 1
    update = InMemoryIndex.update
    calls: list[list[str]] = []

    def fails_twice(self: InMemoryIndex, values: Mapping[str, Metadata]) -> None:
        calls.append(list(values))
        if len(calls) in (1, 2):
            raise IndexFailedError("Chroma's update failed: InternalError")
        update(self, values)

    with patch.object(InMemoryIndex, "update", fails_twice):
        bodies = [system.change_body(line(n), "confidence") for n in (1, 2)]
        report = system.handle(system.worker(), *bodies)
    assert report.returned == {}
    assert system.dead_letters.parked == []
    assert system.differences() == []


def test_deltas_are_decoded_in_one_thread(system: InMemorySystem) -> None:
    """NumPy reads headers by ast.literal_eval, which two threads must not at a time (gh-106905)."""
    keys = [line(number) for number in range(1, 9)]
    for key in keys:
        system.table.put(key, text="a")
    threads = set()

    def watched(data: bytes, delta: Delta) -> VectorBatch:
        threads.add(threading.get_ident())
        return decode(data, delta)

    with patch("compactor.batch.fetching.decode", watched):
        system.handle(system.worker(), *[system.delta_body([key]) for key in keys])
    assert threads == {threading.get_ident()}
    assert len(system.index().records) == 8


def test_a_cycle_that_fails_is_counted_with_its_duration_as_it_costs_as_much(
    system: InMemorySystem,
) -> None:
    load(system)
    before = len(
        [name for name, _ in system.telemetry.values if name is Metric.COMPACTION_DURATION]
    )
    system.table.failing = TableReadError("throttled")
    assert system.handle(system.worker(), system.change_body(line(1), "text")).returned
    durations = [v for name, v in system.telemetry.values if name is Metric.COMPACTION_DURATION]
    assert len(durations) == before + 1


def test_freshness_is_measured_from_the_stream_records_time(system: InMemorySystem) -> None:
    load(system)
    body = system.change_body(line(1), "confidence")
    system.clock.advance(2.5)
    system.handle(system.worker(), body)
    assert system.telemetry.total(Metric.FRESHNESS) == pytest.approx(2500)


def test_an_index_that_can_not_be_opened_sets_no_good_message_aside(system: InMemorySystem) -> None:
    """Found by seed 5029 of the simulation: five failures to open the copy, one success between."""
    load(system)
    worker = system.worker()
    target = worker._cycles[Collection.LINES]._target
    checkout, tries = target.checkout, iter(range(100))

    def flaky(deadline: Deadline) -> Index:
        if next(tries) != 1:
            raise IndexFailedError("Chroma's open failed: InternalError")
        return checkout(deadline)

    target.checkout = flaky  # type: ignore[method-assign]
    bodies = [system.change_body(line(number), "confidence") for number in (1, 2)]
    report = system.handle(worker, *bodies)
    assert system.dead_letters.parked == []
    assert set(report.returned) == {"0", "1"}
    assert "IndexUnavailableError" in report.returned["0"]


def test_freshness_weighs_every_change_alike_however_large_its_batch_is(
    system: InMemorySystem,
) -> None:
    """The percentiles of one late batch and many prompt ones (defect `freshness_weight`)."""
    load(system)
    late = [system.change_body(line(1), "confidence") for _ in range(500)]
    system.clock.advance(300)
    system.handle(system.worker(), *late)
    for _ in range(20):
        prompt = [system.change_body(line(1), "confidence") for _ in range(10)]
        system.clock.advance(2)
        system.handle(system.worker(), *prompt)
    values = system.telemetry.values
    measured = [value / 1000 for name, value in values if name is Metric.FRESHNESS]
    assert len(measured) == 500 + 200
    found = percentiles(measured)
    assert found is not None
    assert (found.p50, found.longest) == pytest.approx((300, 300), abs=1)


def test_receipt_text_never_enters_a_log_or_a_metric(system: InMemorySystem) -> None:
    load(system)
    secret = "SECRET-TEXT"
    system.table.items[line(1)]["text"] = secret
    system.table.put(metadata(), merchant_name=secret)
    bodies = [system.change_body(line(1), "text")]
    system.index().poisonous.add(line(2).chroma_id)
    system.handle(system.worker(), *bodies, system.change_body(metadata(), "merchant_name"))
    assert secret not in repr(system.telemetry.events) + repr(system.telemetry.problems)
    assert secret not in repr([reason for _, reason, _ in system.dead_letters.parked])


def _message(body: str) -> QueueMessage:
    from compactor.batch.entries import QueueMessage

    return QueueMessage("0", body)
