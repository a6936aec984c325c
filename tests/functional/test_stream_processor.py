"""The stream processor on the local SQS: its messages arrive complete and can be read."""

import json
import time
from random import Random
from typing import Any

import pytest
from mypy_boto3_sqs import SQSClient

from local.quick.queues import Queues
from receipt_sync.clock import SystemClock
from receipt_sync.deadline import Deadline
from receipt_sync.errors import QueueSendError
from receipt_sync.keys import EntityKey, EntityType
from receipt_sync.messages import Change, read_message
from stream_processor.processor import Outcome, StreamProcessor
from stream_processor.sqs_parking import SQSParking
from stream_processor.sqs_publisher import SQSChangePublisher
from tests.support.fakes.telemetry import RecordingTelemetry
from tests.unit.stream_processor.records import LINE, METADATA, WORD, changed, malformed, record

LARGE = 200_000


@pytest.fixture
def dead_url(the_queues: Queues) -> str:
    return the_queues.stream_dlq.url


class Processing:
    """The processor with its real adapters."""

    def __init__(self, sqs: Any, queue_url: str, dead_url: str) -> None:
        self.telemetry = RecordingTelemetry()
        publisher = SQSChangePublisher(sqs, queue_url, Random(1), self.telemetry)
        parking = SQSParking(sqs, dead_url)
        self.processor = StreamProcessor(publisher, parking, frozenset(EntityType), self.telemetry)

    def process(self, *records: Any, seconds: float = 20) -> Outcome:
        return self.processor.process(records, Deadline(SystemClock(), seconds))


@pytest.fixture
def processing(sqs: Any, queue_url: str, dead_url: str) -> Processing:
    return Processing(sqs, queue_url, dead_url)


def received(sqs: Any, url: str, number: int) -> list[dict[str, Any]]:
    """Receive and delete `number` messages, or those that arrive within ten seconds."""
    found: list[dict[str, Any]] = []
    end = time.monotonic() + 10
    while len(found) < number and time.monotonic() < end:
        answer = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, MessageAttributeNames=["All"]
        )
        for message in answer.get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found.append(message)
    return found


def nothing_more(sqs: Any, url: str) -> bool:
    return not sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0).get("Messages")


def attributes(message: dict[str, Any]) -> dict[str, str]:
    return {name: a["StringValue"] for name, a in message["MessageAttributes"].items()}


def changes_in(messages: list[dict[str, Any]]) -> list[Change]:
    return [change for message in messages for change in read_message(message["Body"]).changes]


def large(image: str, sequence: int) -> dict[str, Any]:
    text = {"text": {"S": "x" * LARGE}}
    return record(EntityKey(image, 1, 1), "INSERT", new=text, sequence=sequence)


def test_a_change_arrives_with_its_attributes(
    sqs: SQSClient, queue_url: str, processing: Processing
) -> None:
    processing.process(record())
    (message,) = received(sqs, queue_url, 1)
    assert attributes(message) == {
        "source": "dynamodb_stream",
        "entity_type": "RECEIPT_LINE",
        "timestamp": "2026-01-31T12:00:00+00:00",
    }
    (change,) = read_message(message["Body"]).changes
    assert change.key == LINE
    assert change.changes == {"text": {"old": "MILK 4.50", "new": "MILK 4.60"}}


def test_changes_of_a_receipt_arrive_in_one_message(
    sqs: SQSClient, queue_url: str, processing: Processing
) -> None:
    processing.process(*(record(key, "REMOVE") for key in (METADATA, LINE, WORD)))
    (message,) = received(sqs, queue_url, 1)
    assert attributes(message)["source"] == "dynamodb_stream_batch"
    assert attributes(message)["entity_type"] == "MIXED"
    assert {change.key for change in changes_in([message])} == {METADATA, LINE, WORD}
    assert nothing_more(sqs, queue_url)


def test_more_than_ten_messages_and_more_than_a_mebibyte_arrive(
    sqs: SQSClient, queue_url: str, processing: Processing
) -> None:
    outcome = processing.process(*(large(f"img{n}", n) for n in range(12)))
    assert (outcome.queued_messages, outcome.failed_from) == (12, None)
    messages = received(sqs, queue_url, 12)
    assert {change.key.image_id for change in changes_in(messages)} == {
        f"img{n}" for n in range(12)
    }
    assert all(len(message["Body"]) > LARGE for message in messages)


def test_a_batch_of_a_thousand_records_arrives_whole(
    sqs: SQSClient, queue_url: str, processing: Processing
) -> None:
    keys = [EntityKey(f"img{n % 40}", 1, n % 7, n) for n in range(1_000)]
    outcome = processing.process(*(record(key, sequence=n) for n, key in enumerate(keys)))
    assert (outcome.changes, outcome.queued_messages) == (1_000, 2)
    assert {change.key for change in changes_in(received(sqs, queue_url, 2))} == set(keys)


def test_a_malformed_record_arrives_in_the_dead_letter_queue_with_its_reason(
    sqs: SQSClient, queue_url: str, dead_url: str, processing: Processing
) -> None:
    outcome = processing.process(malformed(1), record(sequence=2))
    assert (outcome.parked, outcome.failed_from) == (1, None)
    (dead,) = received(sqs, dead_url, 1)
    assert json.loads(dead["Body"]) == malformed(1)
    assert "correct the producer" in attributes(dead)["reason"]
    assert attributes(dead)["stream_record_id"] == "event-1"
    assert [change.key for change in changes_in(received(sqs, queue_url, 1))] == [LINE]


def test_odd_and_giant_records_can_be_parked(
    sqs: SQSClient, dead_url: str, processing: Processing
) -> None:
    odd = [
        None,
        {"eventID": "\x00\ufffe" + chr(0xD800), "dynamodb": chr(0xD800)},
        changed(malformed(3), NewImage={"text": {"S": "x" * 2_000_000}}),
        changed(malformed(4), Surprise="\x00" * 2_000_000),
    ]
    assert processing.process(*odd).parked == 4
    bodies = [json.loads(message["Body"]) for message in received(sqs, dead_url, 4)]
    assert None in bodies
    numbers = {b["dynamodb"]["SequenceNumber"] for b in bodies if b and "omitted" in b}
    assert numbers == {f"{3:021d}", f"{4:021d}"}


@pytest.mark.parametrize(
    "text", ["\ufffe\uffff", "\x00\x0b\x1f", "\t\r\n", "Ångström 😀\U0001fffe", '"\\"', "\u2028"]
)
def test_odd_but_legal_characters_arrive_as_they_were(
    sqs: SQSClient, queue_url: str, processing: Processing, text: str
) -> None:
    key = EntityKey(f"a{text}b", 1, 1)
    processing.process(record(key, "INSERT", new={"text": {"S": text}}))
    (change,) = changes_in(received(sqs, queue_url, 1))
    assert change.key == key
    assert change.changes["text"]["new"] == text


def test_a_queue_that_does_not_exist_fails_the_invocation(
    sqs: SQSClient, queue_url: str, dead_url: str
) -> None:
    processing = Processing(sqs, f"{queue_url}-missing", dead_url)
    with pytest.raises(QueueSendError, match="the stream holds its position"):
        processing.process(record(), seconds=1)
    assert processing.telemetry.problems[0][1]["error"].endswith("NonExistentQueue")


def test_a_dead_letter_queue_that_does_not_exist_makes_the_record_come_again(
    sqs: SQSClient, queue_url: str, dead_url: str
) -> None:
    processing = Processing(sqs, queue_url, f"{dead_url}-missing")
    outcome = processing.process(record(sequence=1), malformed(2))
    assert outcome.failed_from == f"{2:021d}"
    assert [change.key for change in changes_in(received(sqs, queue_url, 1))] == [LINE]
