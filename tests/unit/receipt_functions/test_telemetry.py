"""What Powertools prints for us: EMF metrics and JSON log lines."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from receipt_functions.telemetry import UNITS, PowertoolsTelemetry
from receipt_sync.telemetry import COMPACTION_NAMESPACE, STREAM_PROCESSOR_NAMESPACE, Metric

SEVEN = {
    STREAM_PROCESSOR_NAMESPACE: {
        "StreamRecordsProcessed": "Count",
        "StreamProcessingLatency": "Milliseconds",
        "SQSMessagesQueued": "Count",
        "StreamProcessingErrors": "Count",
    },
    COMPACTION_NAMESPACE: {
        "CompactionLockContentions": "Count",
        "CompactionDuration": "Milliseconds",
        "MetadataUpdatesApplied": "Count",
    },
}


@pytest.fixture(params=[STREAM_PROCESSOR_NAMESPACE, COMPACTION_NAMESPACE])
def namespace(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def service() -> str:
    """Powertools keeps loggers by their service for the whole process."""
    return f"service-{uuid4().hex}"


@pytest.fixture
def telemetry(service: str, namespace: str) -> Iterator[PowertoolsTelemetry]:
    made = PowertoolsTelemetry.of(service, namespace, "test", "INFO")
    yield made
    made.metrics.clear_metrics()


def printed(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def printed_to_memory(telemetry: PowertoolsTelemetry) -> io.StringIO:
    """Let the logger print to the memory, and return what it prints to."""
    lines = io.StringIO()
    handler = telemetry.logger.registered_handler
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(lines)
    return lines


def blobs(text: str) -> list[dict[str, Any]]:
    return [content for content in printed(text) if "_aws" in content]


def test_the_namespaces_are_the_documents() -> None:
    assert STREAM_PROCESSOR_NAMESPACE == "ChromaDB/StreamProcessor"
    assert COMPACTION_NAMESPACE == "ChromaDB/Compaction"


def test_the_documents_seven_metrics_are_printed_with_their_units(
    telemetry: PowertoolsTelemetry, namespace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with telemetry.invocation():
        for name in SEVEN[namespace]:
            telemetry.measure(Metric(name), 1)
    (blob,) = blobs(capsys.readouterr().out)
    (directive,) = blob["_aws"]["CloudWatchMetrics"]
    assert {m["Name"]: m["Unit"] for m in directive["Metrics"]} == SEVEN[namespace]
    assert all(blob[name] == [1] for name in SEVEN[namespace])


def test_metrics_have_their_namespace_with_environment_and_service_as_dimensions(
    telemetry: PowertoolsTelemetry, service: str, namespace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with telemetry.invocation():
        telemetry.measure(Metric.RECORDS_PARKED, 3)
    (blob,) = blobs(capsys.readouterr().out)
    (directive,) = blob["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == namespace
    assert directive["Dimensions"] == [["environment", "service"]]
    assert (blob["environment"], blob["service"]) == ("test", service)
    assert blob["RecordsParked"] == [3]
    assert blob["_aws"]["Timestamp"] > 1_600_000_000_000


def test_every_blob_of_a_long_run_carries_the_environment(
    telemetry: PowertoolsTelemetry, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        with telemetry.invocation():
            for value in range(150):  # a blob holds a hundred
                telemetry.measure(Metric.FRESHNESS, value)
    found = blobs(capsys.readouterr().out)
    assert len(found) == 4
    assert {blob["environment"] for blob in found} == {"test"}


def test_several_values_of_one_metric_make_a_histogram(
    telemetry: PowertoolsTelemetry, capsys: pytest.CaptureFixture[str]
) -> None:
    with telemetry.invocation():
        for value in (250.0, 700.5, 250.0):
            telemetry.measure(Metric.FRESHNESS, value)
    (blob,) = blobs(capsys.readouterr().out)
    assert blob["Freshness"] == [250.0, 700.5, 250.0]


def test_more_values_than_one_blob_may_hold_are_all_printed(
    telemetry: PowertoolsTelemetry, capsys: pytest.CaptureFixture[str]
) -> None:
    with telemetry.invocation():
        for value in range(1, 251):
            telemetry.measure(Metric.FRESHNESS, value)
    found = blobs(capsys.readouterr().out)
    assert all(len(blob["Freshness"]) <= 100 for blob in found)
    assert sorted(v for blob in found for v in blob["Freshness"]) == list(range(1, 251))


def test_every_metric_has_a_unit_and_a_name_of_its_own(
    telemetry: PowertoolsTelemetry, capsys: pytest.CaptureFixture[str]
) -> None:
    with telemetry.invocation():
        for metric in Metric:
            telemetry.measure(metric, 1)
    (blob,) = blobs(capsys.readouterr().out)
    named = {m["Name"]: m["Unit"] for m in blob["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert named == {m.value: UNITS[m].value if m in UNITS else "Count" for m in Metric}


def test_metrics_are_printed_although_the_invocation_fails(
    telemetry: PowertoolsTelemetry, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        telemetry.measure(Metric.STREAM_PROCESSING_ERRORS, 5)
        raise ValueError("the queue is down")

    with pytest.raises(ValueError, match="the queue is down"), telemetry.invocation():
        fail()
    (blob,) = blobs(capsys.readouterr().out)
    assert blob["StreamProcessingErrors"] == [5]


def test_one_invocation_does_not_print_the_metrics_of_the_one_before(
    telemetry: PowertoolsTelemetry, capsys: pytest.CaptureFixture[str]
) -> None:
    for value in (1, 2):
        with telemetry.invocation():
            telemetry.measure(Metric.RECORDS_PARKED, value)
    assert [blob["RecordsParked"] for blob in blobs(capsys.readouterr().out)] == [[1], [2]]


def test_an_invocation_without_metrics_prints_none(
    telemetry: PowertoolsTelemetry, capsys: pytest.CaptureFixture[str]
) -> None:
    with telemetry.invocation():
        pass
    assert blobs(capsys.readouterr().out) == []


def test_log_lines_are_json_with_what_correlates_them(
    telemetry: PowertoolsTelemetry, service: str
) -> None:
    lines = printed_to_memory(telemetry)
    telemetry.logger.append_keys(request_id="request-1")
    telemetry.event("batch processed", records=3, failed_from=None)
    telemetry.problem("record not parked", error="ClientError")
    informed, warned = printed(lines.getvalue())
    assert informed["level"] == "INFO"
    assert informed["message"] == "batch processed"
    assert informed["records"] == 3
    assert warned["level"] == "ERROR"
    assert warned["error"] == "ClientError"
    for line in (informed, warned):
        assert line["service"] == service
        assert line["request_id"] == "request-1"
        assert line["timestamp"]


def test_the_log_level_is_obeyed(service: str, namespace: str) -> None:
    telemetry = PowertoolsTelemetry.of(service, namespace, "test", "ERROR")
    lines = printed_to_memory(telemetry)
    telemetry.event("batch processed")
    telemetry.problem("record not parked")
    assert [line["message"] for line in printed(lines.getvalue())] == ["record not parked"]


def test_a_step_passes_on_what_is_raised_inside_of_it(telemetry: PowertoolsTelemetry) -> None:
    with pytest.raises(KeyError), telemetry.step("detect"):
        raise KeyError


@pytest.mark.parametrize("before", [0, 1, 99])
@pytest.mark.parametrize("count", [0, 1, 2, 99, 100, 101, 250])
def test_many_values_are_printed_as_each_of_them_would_be(
    service: str, capsys: pytest.CaptureFixture[str], before: int, count: int
) -> None:
    def lines(*, together: bool) -> list[dict[str, Any]]:
        telemetry = PowertoolsTelemetry.of(service, COMPACTION_NAMESPACE, "test", "INFO")
        telemetry.metrics.clear_metrics()  # Powertools keeps values for the whole process.
        telemetry.metrics.set_default_dimensions(environment="test")
        with telemetry.invocation():
            telemetry.measure(Metric.VECTORS_APPLIED, 7)
            for value in range(before):
                telemetry.measure(Metric.FRESHNESS, value)
            if together:
                telemetry.measure_all(Metric.FRESHNESS, range(count))
            else:
                for value in range(count):
                    telemetry.measure(Metric.FRESHNESS, value)
        found = printed(capsys.readouterr().out)
        for line in found:
            del line["_aws"]["Timestamp"]
            (group,) = line["_aws"]["CloudWatchMetrics"]
            group["Dimensions"] = [sorted(names) for names in group["Dimensions"]]
        return found

    assert lines(together=True) == lines(together=False)
