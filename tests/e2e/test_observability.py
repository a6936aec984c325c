"""Traces, metrics and logs of the deployed functions show the cause, and hold no text."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from local.endpoint import Request
from local.quick.log_groups import log_group
from local.quick.names import Options
from local.running import running
from receipt_functions.tracing import INVOCATION
from receipt_ops.connection import connect
from receipt_ops.loading.items import Entity
from receipt_sync.keys import EntityKey
from receipt_sync.telemetry import Metric
from tests.e2e.conftest import System
from tests.e2e.daemon import Daemon, Segment, listening
from tests.support.function_logs import function_log

TEXTS = ("ZWETSCHGENDATSCHI", "QUITTENGELEE", "ROTKRAUTWICKEL")
MERCHANT = "KRAUTHOBELWIRTSCHAFT"
EDITED = "SCHLEHENLIKOER"
POISONED = "HAGEBUTTENMUS"
LINE = EntityKey("seeing-test", 1, 1)
CYCLE = [
    "lease", "checkout", "plan", "read", "compare", "write", "read back", "publish"
]  # fmt: skip


class Seen(NamedTuple):
    system: System
    daemon: Daemon


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """Yield a system with loaded and edited receipts, and poison in both dead-letter queues."""
    with listening() as daemon:
        variables = {"AWS_XRAY_DAEMON_ADDRESS": daemon.address}
        request = Request(options=Options(variables=variables))
        with running(tmp_path_factory.mktemp("aws"), request=request) as stack:
            system = System(stack, connect(stack.variables, Path()))
            _live(system, tmp_path_factory.mktemp("receipts") / "receipts.jsonl")
            yield Seen(system, daemon)


def _live(system: System, receipts: Path) -> None:
    lines = [{"text": text, "box": [0, 10 * n, 90, 10 * n + 8]} for n, text in enumerate(TEXTS)]
    receipts.write_text(json.dumps({"receipt": "1", "company": MERCHANT, "lines": lines}) + "\n")
    assert system.command("load", str(receipts)).code == 0
    system.settled()
    system.writer.put([Entity(LINE, {"text": EDITED})])
    system.connection.dynamodb.put_item(
        TableName=system.connection.names.table,
        Item={
            "PK": {"S": "IMAGE#seeing-test"},
            "SK": {"S": "RECEIPT#00001#LINE#x"},
            "text": {"S": POISONED},
        },
    )
    system.connection.sqs.send_message(
        QueueUrl=system.connection.names.compaction_queue_url,
        MessageBody=json.dumps({"source": "dynamodb_stream", "changes": {"text": POISONED}}),
    )
    assert system.command("modify-test-receipts", "--count", "1", "--dry-run").code == 0
    _until(lambda: sum(_dead(system).values()) == 2)
    system.settled()


def _dead(system: System) -> dict[str, int]:
    letters: dict[str, int] = system.command("status", "--json").json["dead_letters"]
    return letters


def _until(happened: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.5)


def below(segments: list[Segment], parent: str) -> list[Segment]:
    """Return the subsegments of a segment, in the order of their start."""
    found = [segment for segment in segments if segment["parent_id"] == parent]
    deeper = [one for child in found for one in below(segments, child["id"])]
    return sorted([*found, *deeper], key=lambda segment: segment["start_time"])


def ours(segments: list[Segment]) -> list[str]:
    """Return the names of this project's steps, without the calls to AWS."""
    return [segment["name"] for segment in segments if segment.get("namespace") != "aws"]


def senders(segments: list[Segment]) -> list[Segment]:
    """Return the sending steps of stream processors whose trace continues in a compactor."""
    followed = {segment["parent_id"] for segment in segments if segment["name"] == "compactor"}
    return [one for one in segments if one["name"] == "send" and one["id"] in followed]


def test_one_trace_leads_from_the_stream_record_over_the_queue_to_the_publish(seen: Seen) -> None:
    _until(lambda: bool(senders(seen.daemon.segments())))
    segments = seen.daemon.segments()
    for sender in senders(segments):
        trace = [segment for segment in segments if segment["trace_id"] == sender["trace_id"]]
        (processor,) = (one for one in trace if one["name"] == INVOCATION)
        assert ours(below(trace, processor["id"]))[:2] == ["detect", "send"]
        (detect,) = (one for one in trace if one["name"] == "detect")
        assert int(detect["annotations"]["first"]) <= int(detect["annotations"]["last"])
        for compactor in (one for one in trace if one["name"] == "compactor"):
            steps = ours(below(trace, compactor["id"]))
            assert steps[:4] == ["cycle", *CYCLE[:3]]
            assert "publish" in steps


def test_a_cycle_has_a_subsegment_for_each_of_its_steps(seen: Seen) -> None:
    segments = seen.daemon.segments()
    cycles = [one for one in segments if one["name"] == "cycle"]
    assert {one["annotations"]["collection"] for one in cycles} == {
        "receipt_lines",
        "receipt_words",
    }
    whole = [ours(below(segments, one["id"])) for one in cycles]
    assert CYCLE in whole  # an invocation that wrote something
    assert all(steps[-1] == "publish" for steps in whole)


def test_the_invocation_that_published_is_found_from_the_trace_of_the_change(seen: Seen) -> None:
    segments = seen.daemon.segments()
    gone_on = [one for one in segments if one["name"] == "compactor"]
    invocations = {one["trace_id"] for one in segments if one["name"] == INVOCATION}
    for one in gone_on:
        assert one["annotations"]["invocation_trace"] in invocations - {one["trace_id"]}


def test_what_aws_refused_is_traced_without_the_words_of_the_refusal(seen: Seen) -> None:
    refused = [
        exception
        for segment in seen.daemon.segments()
        for exception in (segment.get("cause") or {}).get("exceptions", [])
    ]
    assert refused  # such as the first request for a manifest
    assert all(exception["type"] for exception in refused)
    assert not any("message" in exception for exception in refused)


def test_no_receipt_text_is_in_traces_logs_or_metrics(seen: Seen) -> None:
    names = seen.system.stack.names
    logs = {name: function_log(seen.system.stack, name) for name in functions(seen)}
    assert len(logs[names.compactor]) > 10
    assert any("_aws" in line for line in logs[names.stream_processor])
    said = "\n".join(
        [*seen.daemon.datagrams, *logs[names.compactor], *logs[names.stream_processor]]
    )
    found = [text for text in (*TEXTS, MERCHANT, EDITED, POISONED) if text in said.upper()]
    assert found == []


def test_log_lines_are_json_and_name_invocation_and_trace(seen: Seen) -> None:
    traces = {one["trace_id"] for one in seen.daemon.segments()}
    for name in functions(seen):
        logged = [line for line in parsed(seen, name) if "level" in line]
        assert logged
        assert all(line["request_id"] for line in logged)
        assert {line["xray_trace_id"] for line in logged} & traces


def test_a_parked_message_is_found_in_the_log_by_the_id_that_it_came_with(seen: Seen) -> None:
    letters = seen.system.command("dlq", "show", "--queue", "compaction", "--json").json[
        "dead_letters"
    ]
    (letter,) = letters
    steps = steps_of(seen, letter["attributes"]["message_id"])
    assert {step["function"] for step in steps} == {seen.system.stack.names.compactor}
    assert [step["fields"]["parked"] for step in steps if step["what"] == "batch handled"] == [1]


def test_the_way_of_an_entity_leads_through_both_functions(seen: Seen) -> None:
    steps = steps_of(seen, LINE.chroma_id)
    naming = [step["what"] for step in steps if step["named"]]
    assert naming[0] == "receipts changed"
    assert naming[-1] == "messages handled"
    assert {"messages queued", "published"} <= {step["what"] for step in steps}


def steps_of(seen: Seen, text: str) -> list[dict[str, Any]]:
    found = seen.system.command("trace", text, "--json")
    assert found.code == 0, found
    steps: list[dict[str, Any]] = found.json["steps"]
    return steps


def test_every_metric_names_the_environment_and_the_service(seen: Seen) -> None:
    counted: set[str] = set()
    for name in functions(seen):
        for line in (line for line in parsed(seen, name) if "_aws" in line):
            (directive,) = line["_aws"]["CloudWatchMetrics"]
            assert directive["Dimensions"] == [["environment", "service"]]
            assert line["environment"] == seen.system.stack.names.environment
            counted |= {metric["Name"] for metric in directive["Metrics"]}
    assert counted <= {metric.value for metric in Metric}
    assert {"Freshness", "StreamRecordsProcessed", "CompactionDuration"} <= counted


def functions(seen: Seen) -> tuple[str, str]:
    names = seen.system.stack.names
    return names.stream_processor, names.compactor


def parsed(seen: Seen, name: str) -> list[dict[str, Any]]:
    lines = function_log(seen.system.stack, name)
    assert lines, log_group(name)
    return [json.loads(line) for line in lines if line.startswith("{")]
