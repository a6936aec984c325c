"""The entry point: a stream event in, batch item failures out."""

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from receipt_sync.errors import QueueSendError, SettingsError
from receipt_sync.keys import EntityKey
from receipt_sync.messages import read_message
from stream_processor import handler
from tests.unit.stream_processor.fakes import DOWN, FakeSQS, forever, refusal
from tests.unit.stream_processor.records import LINE, METADATA, WORD, malformed, record

VARIABLES = {
    "ENVIRONMENT": "test",
    "COMPACTION_QUEUE_URL": "http://127.0.0.1:1/compaction",
    "STREAM_DLQ_URL": "http://127.0.0.1:1/dead",
    "DYNAMODB_TABLE": "receipts",
}
CACHES = (handler._settings, handler._telemetry, handler._processor)


@dataclass
class Context:
    """What Lambda passes beside the event."""

    aws_request_id: str = "request-1"
    milliseconds: int = 2_500  # half a second is left, so that a queue that is down is given up

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


class Function:
    """A cold function on a fake SQS."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.sqs = FakeSQS()
        self.clients: list[str] = []
        self._log: io.StringIO | None = None
        monkeypatch.setattr(boto3, "client", self._client)
        for name, value in VARIABLES.items():
            monkeypatch.setenv(name, value)

    def _client(self, service: str, **_: Any) -> FakeSQS:
        self.clients.append(service)
        return self.sqs

    def define(self, **variables: str) -> None:
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)

    def forget(self, name: str) -> None:
        self._monkeypatch.delenv(name)

    def __call__(self, *records: Any, request_id: str = "request-1") -> dict[str, Any]:
        if self._log is None:
            self._log = io.StringIO()
            printer = handler._telemetry().logger.registered_handler
            assert isinstance(printer, logging.StreamHandler)
            printer.setStream(self._log)
        return handler.lambda_handler({"Records": list(records)}, Context(request_id))  # type: ignore[arg-type]

    @property
    def log(self) -> list[dict[str, Any]]:
        assert self._log is not None
        return [json.loads(line) for line in self._log.getvalue().splitlines()]

    @property
    def keys(self) -> set[EntityKey]:
        return {c.key for body in self.sqs.bodies for c in read_message(body).changes}


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Iterator[Function]:
    for cache in CACHES:
        cache.cache_clear()
    yield Function(monkeypatch)
    for cache in CACHES:
        cache.cache_clear()


def metrics(text: str) -> dict[str, Any]:
    (blob,) = [json.loads(line) for line in text.splitlines() if "_aws" in line]
    return dict(blob)


def test_a_batch_that_got_through_has_no_failures(function: Function) -> None:
    assert function(record()) == {"batchItemFailures": []}
    assert function.keys == {LINE}


def test_an_empty_batch_is_answered_and_sends_nothing(function: Function) -> None:
    assert function() == {"batchItemFailures": []}
    assert function.sqs.calls == []


@pytest.mark.parametrize(
    ("flag", "left"),
    [
        ("ENABLE_METADATA_UPDATES", {LINE, WORD}),
        ("ENABLE_LINE_UPDATES", {METADATA, WORD}),
        ("ENABLE_WORD_UPDATES", {METADATA, LINE}),
    ],
)
def test_a_feature_flag_that_is_off_keeps_its_entities_out_of_the_queue(
    function: Function, flag: str, left: set[EntityKey]
) -> None:
    function.define(**{flag: "false"})
    function(*(record(key, "REMOVE") for key in (METADATA, LINE, WORD)))
    assert function.keys == left


def test_sqs_refuses_some_entries_of_a_batch_those_are_retried_then_reported_from_the_lowest_sequence_number(  # noqa: E501
    function: Function,
) -> None:
    """Each record fills a message of its own; b and c are refused at every try, d at the first."""
    text = {"text": {"S": "x" * 200_000}}
    seen: list[str] = []

    def verdict(entry: dict[str, Any]) -> str | None:
        (change,) = read_message(entry["MessageBody"]).changes
        image = change.key.image_id
        seen.append(image)
        refused = image in "bc" or (image == "d" and seen.count("d") == 1)
        return "service" if refused else None

    function.sqs.verdict = verdict
    answer = function(
        *(
            record(EntityKey(image, 1, 1), "INSERT", new=text, sequence=number)
            for number, image in ((10, "a"), (11, "c"), (12, "b"), (13, "d"))
        )
    )
    assert answer == {"batchItemFailures": [{"itemIdentifier": "000000000000000000011"}]}
    assert {key.image_id for key in function.keys} == {"a", "d"}
    assert seen.count("b") > 1
    assert seen.count("a") == 1


@pytest.mark.parametrize("error", [DOWN, refusal()])
def test_the_queue_is_down_or_missing_the_invocation_fails(
    function: Function, error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    function.sqs.failures = forever(error)
    with pytest.raises(QueueSendError):
        function(record())
    printed = metrics(capsys.readouterr().out)
    assert printed["SQSMessagesQueued"] == [0]
    assert printed["StreamProcessingErrors"] == [1]


def test_a_malformed_record_goes_to_the_dead_letter_queue(function: Function) -> None:
    answer = function(malformed(1), record(sequence=2))
    assert answer == {"batchItemFailures": []}
    (dead,) = function.sqs.single
    assert dead["QueueUrl"] == VARIABLES["STREAM_DLQ_URL"]
    assert "correct the producer" in dead["MessageAttributes"]["reason"]["StringValue"]
    assert function.keys == {LINE}


def test_a_malformed_record_that_was_not_parked_is_reported(function: Function) -> None:
    function.sqs.single_failure = DOWN
    answer = function(record(sequence=1), malformed(2), record(WORD, sequence=3))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "000000000000000000002"}]}


@pytest.mark.parametrize("event", [{}, {"Records": None}, {"Records": {}}, {"Records": "x"}])
def test_an_event_that_is_none_of_a_stream_is_refused(
    function: Function, event: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="has a list of Records"):
        handler.lambda_handler(event, Context())  # type: ignore[arg-type]


@pytest.mark.parametrize("name", VARIABLES)
def test_a_missing_variable_stops_the_start(function: Function, name: str) -> None:
    function.forget(name)
    with pytest.raises(SettingsError, match=name):
        function(record())


def test_every_log_line_carries_the_request_that_wrote_it(function: Function) -> None:
    function(record(), request_id="request-1")
    function(record(), request_id="request-2")
    lines = [(line["request_id"], line["message"]) for line in function.log]
    events = ["receipts changed", "messages queued", "batch processed"]
    assert lines == [(f"request-{number}", what) for number in (1, 2) for what in events]
    assert {line["service"] for line in function.log} == {"stream_processor"}


def test_latency_and_counts_are_measured(
    function: Function, capsys: pytest.CaptureFixture[str]
) -> None:
    function(record(), malformed(7))
    printed = metrics(capsys.readouterr().out)
    assert printed["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "ChromaDB/StreamProcessor"
    (latency,) = printed["StreamProcessingLatency"]
    assert 0 < latency < 10_000
    assert printed["StreamRecordsProcessed"] == [2]
    assert printed["SQSMessagesQueued"] == [1]


def test_receipt_text_stays_out_of_logs_and_metrics(
    function: Function, capsys: pytest.CaptureFixture[str]
) -> None:
    function.sqs.verdict = lambda _: "sender"
    bad = record(WORD, sequence=2, new={"text": {"MILK 4.60": "MILK 4.60"}})
    function(bad, record(sequence=3))
    assert "MILK" in function.sqs.single[0]["MessageBody"]
    assert "MILK" not in function.sqs.single[0]["MessageAttributes"]["reason"]["StringValue"]
    assert "MILK" not in capsys.readouterr().out + json.dumps(function.log)


def test_a_warm_function_keeps_its_client(function: Function) -> None:
    function(record())
    function(record())
    assert function.clients == ["sqs"]
