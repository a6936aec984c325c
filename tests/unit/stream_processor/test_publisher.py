"""Sending: what SQS refuses is tried again with back-off, and what it never takes is returned."""

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipt_sync.deadline import Deadline
from receipt_sync.keys import EntityKey
from stream_processor.packing import OutgoingMessage, pack
from stream_processor.sqs_publisher import SQSChangePublisher
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.telemetry import RecordingTelemetry
from tests.unit.stream_processor.fakes import DOWN, FakeSQS, forever, refusal
from tests.unit.stream_processor.test_coalescing import change

URL = "http://127.0.0.1:1/compaction"


def messages(number: int) -> list[OutgoingMessage]:
    return [m for n in range(number) for m in pack([change(EntityKey(f"i{n}", 1, 1), n)])]


class Sending:
    """A publisher on a fake SQS, and what it takes to watch it."""

    def __init__(self, sqs: FakeSQS) -> None:
        self.sqs, self.clock, self.telemetry = sqs, ManualClock(), RecordingTelemetry()
        self.publisher = SQSChangePublisher(sqs, URL, Random(1), self.telemetry)  # type: ignore[arg-type]

    def send(self, sent: list[OutgoingMessage], seconds: float = 60) -> list[OutgoingMessage]:
        return self.publisher.send(sent, Deadline(self.clock, seconds))


def times(number: int, verdict: str) -> Any:
    """Refuses each body so many times, then takes it."""
    seen: Counter[str] = Counter()

    def judge(entry: dict[str, Any]) -> str | None:
        seen[entry["MessageBody"]] += 1
        return verdict if seen[entry["MessageBody"]] <= number else None

    return judge


def test_messages_go_ten_a_call_each_with_its_attributes() -> None:
    sending = Sending(FakeSQS())
    sent = messages(25)
    assert sending.send(sent) == []
    assert [len(call) for call in sending.sqs.calls] == [10, 10, 5]
    assert sending.sqs.bodies == [message.body for message in sent]
    assert all(len({e["Id"] for e in call}) == len(call) for call in sending.sqs.calls)
    attributes = {n: a["StringValue"] for n, a in sending.sqs.taken[0]["MessageAttributes"].items()}
    assert attributes == {
        "source": "dynamodb_stream",
        "entity_type": "RECEIPT_LINE",
        "timestamp": "2026-01-31T12:00:00+00:00",
    }


def test_a_traced_message_carries_the_trace_and_an_untraced_one_nothing() -> None:
    sending = Sending(FakeSQS())
    sending.send(messages(1))
    sending.telemetry.header = "Root=1;Parent=2;Sampled=1"
    sending.send(messages(1))
    untraced, traced = sending.sqs.taken
    assert "MessageSystemAttributes" not in untraced
    assert traced["MessageSystemAttributes"] == {
        "AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1;Parent=2;Sampled=1"}
    }


def test_nothing_is_no_call() -> None:
    sending = Sending(FakeSQS())
    assert sending.send([]) == []
    assert sending.sqs.calls == []


@pytest.mark.parametrize("verdict", ["service", "lost"])
def test_what_sqs_does_not_confirm_is_sent_again_with_pauses_and_nothing_else_is(
    verdict: str,
) -> None:
    sqs = FakeSQS(times(2, verdict))
    kept = messages(12)
    refused = {kept[3].body, kept[11].body}
    judge = sqs.verdict
    sqs.verdict = lambda entry: judge(entry) if entry["MessageBody"] in refused else None
    sending = Sending(sqs)
    assert sending.send(kept) == []
    assert sorted(sqs.bodies) == sorted(m.body for m in kept)
    assert [len(call) for call in sqs.calls] == [10, 2, 2, 2]
    assert sending.clock.elapsed > 0


def test_a_message_that_is_refused_for_our_fault_is_returned_at_once() -> None:
    kept = messages(3)
    sqs = FakeSQS(lambda e: "sender" if e["MessageBody"] == kept[1].body else None)
    sending = Sending(sqs)
    assert sending.send(kept) == [kept[1]]
    assert len(sqs.calls) == 1
    assert sending.clock.elapsed == 0
    assert sending.telemetry.problems == [
        ("queue refused messages", {"codes": ["Refused"], "messages": 1})
    ]


def test_what_is_refused_every_time_is_returned_after_five_tries() -> None:
    kept = messages(11)
    sqs = FakeSQS(lambda e: "service" if e["MessageBody"] == kept[0].body else None)
    sending = Sending(sqs)
    assert sending.send(kept) == [kept[0]]
    assert sum(kept[0].body == e["MessageBody"] for call in sqs.calls for e in call) == 5


@pytest.mark.parametrize("error", [DOWN, refusal(), refusal("ThrottlingException")])
def test_a_call_that_fails_is_made_again(error: Exception) -> None:
    kept = messages(3)
    sending = Sending(FakeSQS(failures=[error, error]))
    assert sending.send(kept) == []
    assert sending.sqs.bodies == [m.body for m in kept]
    assert len(sending.sqs.calls) == 3
    assert sending.clock.elapsed > 0


def test_one_failing_call_does_not_stop_the_others() -> None:
    kept = messages(25)
    sending = Sending(FakeSQS(failures=[DOWN]))
    assert sending.send(kept) == []
    assert [len(call) for call in sending.sqs.calls] == [10, 10, 5, 10]


def test_a_queue_that_is_down_returns_every_message_and_its_code_is_told() -> None:
    kept = messages(12)
    sending = Sending(FakeSQS(failures=forever(refusal())))
    assert sending.send(kept) == kept
    names = {fields["error"] for _, fields in sending.telemetry.problems}
    assert names == {"AWS.SimpleQueueService.NonExistentQueue"}


def test_no_try_is_begun_after_the_deadline() -> None:
    class Slow(FakeSQS):
        def send_message_batch(self, **call: Any) -> dict[str, Any]:
            sending.clock.advance(20)
            return super().send_message_batch(**call)

    sending = Sending(Slow(failures=forever(DOWN)))
    kept = messages(45)
    assert sending.send(kept, seconds=50) == kept
    assert len(sending.sqs.calls) == 3


def test_a_pause_that_would_pass_the_deadline_is_not_begun() -> None:
    sending = Sending(FakeSQS(failures=forever(DOWN)))
    kept = messages(1)
    assert sending.send(kept, seconds=0.01) == kept
    assert sending.clock.elapsed == 0
    assert len(sending.sqs.calls) == 1


def test_what_failed_in_earlier_invocations_stops_nothing_later() -> None:
    """No breaker: 3 failures among 300 successes must not stop the stream."""
    sqs = FakeSQS()
    sending = Sending(sqs)
    for number in range(300):
        sqs.failures = forever(DOWN) if number in {10, 20, 30} else []
        unsent = sending.send(messages(1))
        assert len(unsent) == (1 if number in {10, 20, 30} else 0)
    assert len(sqs.taken) == 297


@given(st.lists(st.sampled_from([None, "service", "sender", "lost"]), max_size=60))
def test_every_message_is_taken_once_or_returned(verdicts: list[str | None]) -> None:
    script = iter(verdicts)
    sending = Sending(FakeSQS(lambda _: next(script, None)))
    kept = messages(12)
    unsent = sending.send(kept)
    assert sorted([*sending.sqs.bodies, *(m.body for m in unsent)]) == sorted(m.body for m in kept)
