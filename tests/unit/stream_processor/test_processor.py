"""A batch to the queues: what gets through, what is parked, and from where it must come again."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compactor.cycle.closure import closure_of
from compactor.cycle.projection import Part
from receipt_sync.deadline import Deadline
from receipt_sync.errors import QueueSendError
from receipt_sync.keys import EntityKey, EntityType
from receipt_sync.messages import Change, read_message
from receipt_sync.telemetry import Metric
from stream_processor.processor import Outcome, StreamProcessor
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.telemetry import RecordingTelemetry
from tests.unit.stream_processor.fakes import (
    InMemoryChangePublisher,
    InMemoryParking,
)
from tests.unit.stream_processor.records import (
    LINE,
    METADATA,
    WORD,
    changed,
    malformed,
    raw_record,
    record,
    text_image,
)

ALL = frozenset(EntityType)


class Processing:
    """A processor between a publisher and a parking in memory."""

    def __init__(
        self,
        publisher: InMemoryChangePublisher | None = None,
        parking: InMemoryParking | None = None,
        enabled: frozenset[EntityType] = ALL,
    ) -> None:
        self.publisher, self.parking = (
            publisher or InMemoryChangePublisher(),
            parking or InMemoryParking(),
        )
        self.clock, self.telemetry = ManualClock(), RecordingTelemetry()
        self.processor = StreamProcessor(self.publisher, self.parking, enabled, self.telemetry)

    def process(self, *records: Any, seconds: float = 60) -> Outcome:
        return self.processor.process(records, Deadline(self.clock, seconds))

    @property
    def changes(self) -> list[Change]:
        return [c for m in self.publisher.sent for c in read_message(m.body).changes]

    @property
    def keys(self) -> list[EntityKey]:
        return [change.key for change in self.changes]


def large(image: str, sequence: int) -> dict[str, Any]:
    """A record whose change fills a message of its own."""
    text = {"text": {"S": "x" * 200_000}}
    return record(EntityKey(image, 1, 1), "INSERT", new=text, sequence=sequence)


def refusing(*images: str) -> InMemoryChangePublisher:
    """Takes every message but those that hold one of the images."""
    return InMemoryChangePublisher(
        lambda message: not any(f'"{i}"' in message.body for i in images)
    )


@pytest.mark.parametrize("event", ["INSERT", "REMOVE"])
@pytest.mark.parametrize("key", [METADATA, LINE, WORD])
def test_what_appears_or_goes_is_queued(event: str, key: EntityKey) -> None:
    done = Processing()
    outcome = done.process(record(key, event))
    assert [(c.key, c.event_name) for c in done.changes] == [(key, event)]
    assert (outcome.changes, outcome.queued_messages, outcome.failed_from) == (1, 1, None)


def test_an_insert_is_queued_although_its_vector_may_not_exist_yet() -> None:
    done = Processing()
    done.process(record(LINE, "INSERT"), record(LINE, "MODIFY", sequence=101))
    assert [(c.key, c.event_name) for c in done.changes] == [(LINE, "INSERT")]


def test_an_embedding_run_costs_its_own_record_and_nothing_more() -> None:
    """The status is mirrored, so its change is sent; it reaches no neighbour, and no vector."""
    done = Processing()
    done.process(record(new=text_image("MILK 4.50", embedding_status={"S": "SUCCESS"})))
    closure = closure_of(done.changes)
    assert closure.records == {LINE: Part.OWN}
    assert closure.receipts == set()


def test_what_is_someone_elses_is_neither_sent_nor_parked() -> None:
    done = Processing()
    outcome = done.process(
        raw_record(LINE.pk, f"{WORD.sk}#LABEL#TOTAL"), raw_record("LOCK#a-lines", "LOCK")
    )
    assert (done.publisher.sent, done.parking.parked) == ([], [])
    assert (outcome.records, outcome.queued_messages, outcome.failed_from) == (2, 0, None)


@pytest.mark.parametrize(
    ("disabled", "left"),
    [
        (EntityType.METADATA, {LINE, WORD}),
        (EntityType.LINE, {METADATA, WORD}),
        (EntityType.WORD, {METADATA, LINE}),
    ],
)
def test_a_disabled_entity_type_is_not_queued(disabled: EntityType, left: set[EntityKey]) -> None:
    done = Processing(enabled=ALL - {disabled})
    outcome = done.process(*(record(key, "INSERT") for key in (METADATA, LINE, WORD)))
    assert set(done.keys) == left
    assert (outcome.disabled, outcome.changes, outcome.failed_from) == (1, 2, None)


def test_a_malformed_record_of_a_disabled_type_is_parked_all_the_same() -> None:
    done = Processing(enabled=frozenset())
    assert done.process(malformed()).parked == 1


def test_a_thousand_changes_of_one_line_are_one_message_of_one_change() -> None:
    done = Processing()
    outcome = done.process(*(record(sequence=n) for n in range(1, 1001)))
    assert (outcome.records, outcome.changes, outcome.queued_messages) == (1000, 1, 1)


def test_the_time_and_the_number_of_the_record_travel_not_the_processors() -> None:
    done = Processing()
    done.process(record(sequence=4711, created=1_769_860_800.5))
    (change,) = done.changes
    assert change.timestamp.isoformat() == "2026-01-31T12:00:00.500000+00:00"
    assert change.sequence_number == "000000000000000004711"
    assert change.timestamp != done.clock.now()


def test_malformed_stream_record_is_parked_and_the_shard_goes_on() -> None:
    done = Processing()
    bad = malformed(sequence=2)
    outcome = done.process(record(WORD, sequence=1), bad, record(LINE, sequence=3))
    assert set(done.keys) == {WORD, LINE}
    ((parked, reason),) = done.parking.parked
    assert parked is bad
    assert "has the shape of a receipt entity" in reason
    assert (outcome.parked, outcome.failed_from) == (1, None)


@pytest.mark.parametrize("nameless", [None, 5, [], {}, changed(record(), SequenceNumber=None)])
def test_a_malformed_record_without_a_sequence_number_is_parked_too(nameless: Any) -> None:
    done = Processing()
    outcome = done.process(nameless, record())
    assert [parked for parked, _ in done.parking.parked] == [nameless]
    assert (done.keys, outcome.failed_from) == ([LINE], None)


def test_a_record_that_was_not_parked_comes_again() -> None:
    done = Processing(parking=InMemoryParking(fails_from=0))
    outcome = done.process(record(sequence=1), malformed(sequence=2), record(WORD, sequence=3))
    assert outcome.failed_from == "000000000000000000002"
    assert set(done.keys) == {LINE, WORD}


def test_a_nameless_record_that_was_not_parked_fails_the_invocation() -> None:
    done = Processing(parking=InMemoryParking(fails_from=0))
    with pytest.raises(QueueSendError, match="without a sequence number was not parked"):
        done.process(record(), None)
    assert done.telemetry.total(Metric.STREAM_RECORDS_PROCESSED) == 2


def test_after_the_first_record_that_was_not_parked_the_rest_waits_for_its_return() -> None:
    done = Processing(parking=InMemoryParking(fails_from=1))
    outcome = done.process(*(malformed(sequence=n) for n in range(1, 6)))
    assert len(done.parking.parked) == 1
    assert outcome.failed_from == "000000000000000000002"
    assert len(done.telemetry.problems) == 1


def test_near_the_deadline_nothing_more_is_parked_and_the_rest_comes_again() -> None:
    class Slow(InMemoryParking):
        def park(self, record: object, reason: str) -> None:
            super().park(record, reason)
            done.clock.advance(20)

    done = Processing(parking=Slow())
    outcome = done.process(*(malformed(sequence=n) for n in range(1, 6)), seconds=50)
    assert len(done.parking.parked) == 3
    assert outcome.failed_from == "000000000000000000004"


def test_what_could_not_be_sent_comes_again_from_the_lowest_sequence_number() -> None:
    done = Processing(refusing("b", "c"))
    outcome = done.process(
        large("a", 1), large("c", 2), large("b", 3), large("a2", 4), record(LINE, sequence=5)
    )
    assert outcome.failed_from == "000000000000000000002"
    assert EntityKey("a", 1, 1) in done.keys
    assert not {EntityKey("b", 1, 1), EntityKey("c", 1, 1)} & set(done.keys)


def test_what_was_coalesced_comes_again_from_its_first_record() -> None:
    done = Processing(refusing("b"))
    outcome = done.process(large("a", 1), large("b", 2), large("a", 3), large("b", 4))
    assert outcome.failed_from == "000000000000000000002"


def test_the_position_is_given_as_the_record_writes_it() -> None:
    done = Processing(refusing("b"))
    plain = changed(large("b", 1), SequenceNumber="111")
    assert done.process(changed(large("a", 1), SequenceNumber="7"), plain).failed_from == "111"


def test_a_malformed_record_that_comes_again_anyhow_is_not_parked_twice() -> None:
    done = Processing(refusing("b"))
    batch = [malformed(1), large("a", 2), large("b", 3), malformed(4)]
    outcome = done.process(*batch)
    assert outcome.failed_from == "000000000000000000003"
    assert [parked for parked, _ in done.parking.parked] == [batch[0]]
    done.publisher.takes = lambda _: True
    assert done.process(*batch[2:]).failed_from is None
    assert [parked for parked, _ in done.parking.parked] == [batch[0], batch[3]]


def test_the_queue_is_down_the_invocation_fails_and_the_stream_holds_its_position() -> None:
    done = Processing(InMemoryChangePublisher(lambda _: False))
    with pytest.raises(QueueSendError, match="the stream holds its position"):
        done.process(record(sequence=1), malformed(sequence=2), record(WORD, sequence=3))
    assert done.parking.parked == []
    assert done.telemetry.total(Metric.SQS_MESSAGES_QUEUED) == 0
    assert done.telemetry.total(Metric.STREAM_PROCESSING_ERRORS) == 1


def test_both_queues_are_down_the_invocation_fails() -> None:
    done = Processing(InMemoryChangePublisher(lambda _: False), InMemoryParking(fails_from=0))
    with pytest.raises(QueueSendError):
        done.process(malformed(sequence=1), record(sequence=2))


def test_queued_means_sent_not_built() -> None:
    done = Processing(refusing("b", "c"))
    outcome = done.process(large("a", 1), large("b", 2), large("c", 3))
    assert (outcome.queued_messages, outcome.changes) == (1, 1)
    assert done.telemetry.total(Metric.SQS_MESSAGES_QUEUED) == 1


def test_an_empty_batch_is_nothing_to_do() -> None:
    done = Processing()
    assert done.process().failed_from is None
    assert done.publisher.sent == []


def test_the_metrics_of_a_batch_say_what_became_of_it() -> None:
    done = Processing(refusing("b"))
    done.process(malformed(1), large("a", 2), large("b", 3), raw_record("USER#1", "x", sequence=4))
    assert {str(metric): value for metric, value in done.telemetry.values} == {
        "StreamRecordsProcessed": 4,
        "SQSMessagesQueued": 1,
        "StreamProcessingErrors": 2,
        "RecordsParked": 1,
    }


def test_a_batch_is_told_in_counts_without_any_text() -> None:
    done = Processing(parking=InMemoryParking(fails_from=0))
    done.process(record(), malformed(sequence=200))
    events = dict(done.telemetry.events)
    assert list(events) == ["receipts changed", "batch processed"]
    assert events["batch processed"]["changes"] == 1
    assert "MILK" not in repr((done.telemetry.events, done.telemetry.problems))


batches = st.lists(
    st.sampled_from(["good", "bad", "foreign", "refused", "nameless"]), min_size=1, max_size=8
)


@given(batches, st.integers(0, 8))
def test_every_record_is_queued_parked_or_comes_again(kinds: list[str], parks: int) -> None:
    records: list[Any] = [_of_kind(kind, number) for number, kind in enumerate(kinds, 1)]
    publisher = InMemoryChangePublisher(lambda message: '"refused' not in message.body)
    done = Processing(publisher, InMemoryParking(fails_from=parks))
    try:
        outcome = done.process(*records)
    except QueueSendError:
        return  # all of them come again
    again = len(records) if outcome.failed_from is None else int(outcome.failed_from) - 1
    parked = [id(parked) for parked, _ in done.parking.parked]
    for number, (kind, one) in enumerate(zip(kinds, records, strict=True)):
        queued = EntityKey(f"{kind}{number + 1}", 1, 1) in done.keys
        assert kind == "foreign" or queued or id(one) in parked or number >= again


def _of_kind(kind: str, number: int) -> Any:
    if kind == "bad":
        return malformed(number)
    if kind == "nameless":
        return changed(malformed(number), SequenceNumber=None)
    if kind == "foreign":
        return raw_record("USER#1", "x", sequence=number)
    return record(EntityKey(f"{kind}{number}", 1, 1), sequence=number)
