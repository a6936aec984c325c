"""The entry point: events in, answers out. The worker behind it runs on fakes."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from compactor import handler
from compactor.batch.entries import QueueMessage
from receipt_sync.errors import SettingsError, TableReadError
from receipt_sync.telemetry import COMPACTION_NAMESPACE
from tests.support.fakes.system import InMemorySystem, line
from tests.unit.compactor.batch.test_drain import InMemoryQueue

ENVIRONMENT = {
    "ENVIRONMENT": "test",
    "DYNAMODB_TABLE": "table",
    "COMPACTION_QUEUE_URL": "http://127.0.0.1/queue",
    "COMPACTION_DLQ_URL": "http://127.0.0.1/dlq",
    "SNAPSHOT_BUCKET": "bucket",
}


class Context:
    function_name = "compactor"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:eu-west-1:000000000000:function:compactor"
    aws_request_id = "request-1"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 60_000


def invoke(event: dict[str, Any]) -> dict[str, Any]:
    return handler.lambda_handler(event, Context())  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _cold(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    _clear()
    yield
    _clear()


def _clear() -> None:
    for cached in (handler._settings, handler._telemetry, handler._worker):
        getattr(cached, "cache_clear", lambda: None)()


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> InMemorySystem:
    system = InMemorySystem()
    system.table.put(line(1), text="a")
    worker = SimpleNamespace(
        compactor=system.worker(),
        clock=system.clock,
        queue=InMemoryQueue([system.delta_body([line(1)])]),
    )
    monkeypatch.setattr(handler, "_worker", lambda: worker)
    return system


def sqs_event(*bodies: str) -> dict[str, Any]:
    record = {"eventSource": "aws:sqs", "receiptHandle": "h", "attributes": {}}
    return {"Records": [{**record, "messageId": str(n), "body": b} for n, b in enumerate(bodies)]}


def test_what_was_not_applied_is_a_batch_item_failure(system: InMemorySystem) -> None:
    good, late = system.delta_body([line(1)]), system.change_body(line(1), "text")
    assert invoke(sqs_event(good)) == {"batchItemFailures": []}
    system.table.failing = TableReadError("down")
    answer = invoke(sqs_event(late, "junk"))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "0"}]}


def test_a_whole_failed_batch_is_answered_item_by_item(system: InMemorySystem) -> None:
    system.table.failing = TableReadError("down")
    body = system.change_body(line(1), "text")
    answer = invoke(sqs_event(body, body))
    assert [f["itemIdentifier"] for f in answer["batchItemFailures"]] == ["0", "1"]


def test_a_direct_invocation_drains_the_queue_and_says_what_it_did(system: InMemorySystem) -> None:
    answer = invoke({})
    assert (answer["inserted"], answer["done"], answer["stopped"]) == (1, 1, "queue empty")
    json.dumps(answer)


def test_an_event_of_another_kind_is_refused_by_name(system: InMemorySystem) -> None:
    with pytest.raises(ValueError, match="SQS event"):
        invoke({"detail": 1})


def test_a_missing_variable_stops_the_start_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SNAPSHOT_BUCKET")
    with pytest.raises(SettingsError, match="SNAPSHOT_BUCKET is not set"):
        invoke({})


def test_metrics_are_emitted_in_the_compactions_namespace(
    capsys: pytest.CaptureFixture[str],
) -> None:
    telemetry = handler._telemetry()
    system = InMemorySystem()
    system.telemetry = telemetry  # type: ignore[assignment]
    system.table.put(line(1), text="a")
    with telemetry.invocation():
        system.worker().handle([QueueMessage("0", system.delta_body([line(1)]))], system.deadline())
    lines = [json.loads(text) for text in capsys.readouterr().out.splitlines() if "_aws" in text]
    metrics = {
        m["Name"] for entry in lines for m in entry["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    }
    assert {"CompactionDuration", "MetadataUpdatesApplied", "VectorsApplied"} <= metrics
    assert {e["_aws"]["CloudWatchMetrics"][0]["Namespace"] for e in lines} == {COMPACTION_NAMESPACE}


def test_a_warm_function_keeps_its_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its working copies and connections are what makes the next invocation fast."""
    built: list[object] = []

    def build(*_: object) -> object:
        built.append(object())
        return built[-1]

    monkeypatch.setattr(handler, "build_worker", build)
    assert handler._worker() is handler._worker()
    assert handler._telemetry() is handler._telemetry()
    assert handler._allocator() is handler._allocator()
    assert len(built) == 1
