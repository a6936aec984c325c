"""Events, metrics and traces in the functions' logs."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from receipt_ops.deployment.freshness import percentiles, values
from receipt_ops.deployment.tracing import name_in_logs, trace
from receipt_ops.logs.cloudwatch_logs import CloudWatchLogs
from receipt_ops.logs.log_events import LogEvent
from receipt_sync.telemetry import Metric
from tests.unit.receipt_ops.deployed_system import NOW


def event(seconds: int, content: Mapping[str, Any], function: str = "f") -> LogEvent:
    return LogEvent(NOW + timedelta(seconds=seconds), function, content)


def test_metric_values_are_read_from_the_log_one_or_many_a_line() -> None:
    lines = [
        event(0, {"_aws": {}, "Freshness": [100, 200.5]}),
        event(1, {"_aws": {}, "Freshness": 300}),
        event(2, {"message": "published", "Freshness": 7}),
        event(3, {"_aws": {}, "Freshness": ["x"]}),
    ]
    assert values(lines, Metric.FRESHNESS) == [100, 200.5, 300]


def test_percentiles_are_the_nearest_rank() -> None:
    found = percentiles([float(n) for n in range(100, 0, -1)])
    assert found is not None
    assert (found.count, found.p50, found.p95, found.p99, found.longest) == (100, 50, 95, 99, 100)
    one = percentiles([7.0])
    assert one is not None
    assert (one.p50, one.p99) == (7.0, 7.0)
    assert percentiles([]) is None


class LogsClient:
    """CloudWatch Logs with some lines."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines
        self.asked: dict[str, Any] = {}

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **arguments: Any) -> Any:
        self.asked = arguments
        yield {"events": [{"timestamp": 1_767_268_800_000, "message": one} for one in self.lines]}


def test_only_json_lines_are_events_and_a_search_is_a_quoted_term() -> None:
    client = LogsClient("START RequestId", '{"message": "x", "request_id": "r"}', "[1]")
    (found,) = CloudWatchLogs(client, {"f": "/group"}).events("f", NOW, 'a "')
    assert (found.at, found.request_id, found.content["message"]) == (NOW, "r", "x")
    assert client.asked["filterPattern"] == '"a "'
    assert client.asked["logGroupName"] == "/group"
    list(CloudWatchLogs(client, {"f": "/group"}).events("f", NOW))
    assert "filterPattern" not in client.asked


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("m-1", '"m-1"'),
        ("IMAGE#a b#RECEIPT#00001", '"IMAGE#a b#RECEIPT#00001"'),
        ('a"b\\', '"a" "b"'),
        ("IMAGE#caf\u00e9/1#RECEIPT#00001", '"IMAGE#" "/1#RECEIPT#00001"'),
        ("-\n?", None),
        ("\u00e9", None),
    ],
)
def test_a_search_has_only_terms_that_each_way_to_write_the_text_has(
    text: str, pattern: str | None
) -> None:
    """`a"b` became the term `ab`, which the lines of another id hold. JSON escapes other signs."""
    client = LogsClient()
    list(CloudWatchLogs(client, {"f": "/group"}).events("f", NOW, text))
    assert client.asked.get("filterPattern") == pattern


class Lines:
    """Logs in memory."""

    def __init__(self, *events: LogEvent) -> None:
        self.lines = events

    def events(
        self, function: str, since: datetime, containing: str | None = None
    ) -> Iterator[LogEvent]:
        for one in self.lines:
            if one.function == function and (containing or "") in str(one.content):
                yield one


class Everything(Lines):
    """Logs whose search finds every line, as a term of one letter may."""

    def events(
        self, function: str, since: datetime, containing: str | None = None
    ) -> Iterator[LogEvent]:
        yield from super().events(function, since)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("IMAGE#a#RECEIPT#00001#LINE#00002#WORD#00003", "IMAGE#a#RECEIPT#00001"),
        ("IMAGE#a#RECEIPT#00001#LINE#00002", "IMAGE#a#RECEIPT#00001"),
        ("IMAGE#a#RECEIPT#00001#METADATA", "IMAGE#a#RECEIPT#00001"),
        ("IMAGE#a#RECEIPT#00001", "IMAGE#a#RECEIPT#00001"),
        ("IMAGE#a#RECEIPT#1#METADATA", "IMAGE#a#RECEIPT#1#METADATA"),
        ("000000017959980534710000019816", "17959980534710000019816"),
        ("36909821-c158-4efd-86ec-6e0edf36f540", "36909821-c158-4efd-86ec-6e0edf36f540"),
    ],
)
def test_an_id_is_looked_up_as_the_logs_write_it(text: str, name: str) -> None:
    assert name_in_logs(text) == name


def test_a_trace_is_every_line_of_the_invocations_that_name_the_id() -> None:
    logs = Lines(
        event(0, {"message": "sent", "message_ids": ["m-1"], "request_id": "r1"}, "one"),
        event(1, {"message": "other", "request_id": "r2"}, "one"),
        event(3, {"message": "batch handled", "messages": ["m-1"], "request_id": "r3"}, "two"),
        event(2, {"message": "published", "version": 7, "request_id": "r3"}, "two"),
        event(4, {"_aws": {}, "function_request_id": "r3", "Freshness": 1}, "two"),
    )
    steps = trace(logs, ["one", "two"], "m-1", NOW)
    assert [step.what for step in steps] == ["sent", "published", "batch handled", "metrics"]
    assert [step.named for step in steps] == [True, False, True, False]
    assert steps[1].fields == {"version": 7}
    assert trace(logs, ["one", "two"], "m-2", NOW) == []


@pytest.mark.parametrize(
    ("text", "value", "is_named"),
    [
        ('a"b\\', "ab", False),
        ('a"b\\', 'IMAGE#a"b\\', True),
        ("777", "0c777d", False),
        ("777", "36909821-777-4efd", False),
        ("777", "1777", False),
        ("777", 777, True),
        ("777", "the record 777.", True),
        ("777", {"first": ["777", "x"]}, True),
        ("36909821", "36909821-c158-4efd-86ec-6e0edf36f540", False),
        ("IMAGE#a", "IMAGE#a#RECEIPT#00001", True),
        ("IMAGE#a", "IMAGE#ab#RECEIPT#00001", False),
        ("IMAGE#a#RECEIPT#00001", "IMAGE#a#RECEIPT#000011", False),
        ("#RECEIPT#", "IMAGE#a#RECEIPT#00001", True),
        ("caf\u00e9", "IMAGE#caf\u00e9", True),
        ("caf", "IMAGE#caf\u00e9", False),
    ],
)
def test_a_line_names_an_id_only_as_a_whole(text: str, value: Any, is_named: bool) -> None:
    """The lines of longer ids were shown as those of a part of them."""
    logs = Everything(event(0, {"message": "sent", "receipts": value, "request_id": "r"}))
    assert [step.named for step in trace(logs, ["f"], text, NOW)] == [True] * is_named
