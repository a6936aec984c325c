"""What status knows: the functions' errors, the last comparison, the queue's age, what opens."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from botocore.exceptions import ClientError
from rich.console import Console

from operations.commands import logs as logs_module
from operations.commands.logs import Of, _Functions
from operations.commands.status import screen_of
from operations.connection import Connection
from operations.deployment import opening
from operations.deployment.discovery import Function
from operations.deployment.function_errors import errors_of, sentence_of
from operations.deployment.last_comparison import KEY, BucketNote, LastComparison
from operations.deployment.log_events import CloudWatchLogs, LogLine
from operations.deployment.looking import look
from operations.deployment.oldest_message import oldest_message_seconds
from operations.deployment.opening import OPENED_BYTES, Openings
from operations.deployment.status import Status
from operations.deployment.unknown import Unknown
from operations.snapshots.manifests import Damaged, Published
from operations.verdict import Finding, Tally, Verdict
from receipt_sync.errors import (
    IndexFailedError,
    IndexUnavailableError,
    SnapshotDamagedError,
    SnapshotForbiddenError,
    WorkspaceFullError,
)
from receipt_sync.keys import Collection
from tests.fakes.clock import ManualClock
from tests.unit.operations.test_cli import CONNECTION
from tests.unit.operations.test_deployment import AWS, QUEUE_ARN

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def line(second: int, content: Any, function: str = "f") -> LogLine:
    text = content if isinstance(content, str) else json.dumps(content)
    parsed = content if isinstance(content, dict) else None
    return LogLine(NOW + timedelta(seconds=second), function, text, str(second), parsed)


class Lines:
    """Log lines in memory, searched as CloudWatch does: by a text that they hold."""

    def __init__(self, *lines: LogLine) -> None:
        self.held = list(lines)

    def lines(
        self, function: str, since: datetime, containing: str | None = None
    ) -> Iterator[LogLine]:
        for one in self.held:
            if one.function == function and one.at >= since and (containing or "") in one.text:
                yield one


FAILED = {
    "level": "ERROR",
    "message": "messages go back to the queue",
    "error": "SnapshotReadError",
    "detail": "there is no bucket",
}


def test_the_last_error_of_a_function_is_told_with_its_time_and_count() -> None:
    logs = Lines(
        line(0, {"level": "INFO", "message": "ERROR is only a word here"}),
        line(1, {**FAILED, "detail": "first"}),
        line(2, "2026-01-01 r-1 Task timed out after 300.00 seconds"),
        line(3, FAILED),
        line(4, "END RequestId: r-1"),
        line(5, {**FAILED, "detail": "another function's"}, "g"),
    )
    found = errors_of(logs, "f", NOW)
    assert found is not None
    assert (found.count, found.last_at) == (3, NOW + timedelta(seconds=3))
    assert found.last == "messages go back to the queue: SnapshotReadError: there is no bucket"
    assert errors_of(logs, "f", NOW + timedelta(seconds=4)) is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[ERROR] Runtime.ImportModuleError:\n no module", "[ERROR] Runtime.ImportModuleError: no"),
        ({"errorType": "OSError", "errorMessage": "disk full"}, "OSError: disk full"),
        ("x" * 1_000, "x…"),
    ],
)
def test_an_error_is_one_short_line(content: Any, words: str) -> None:
    found = sentence_of(line(0, content))
    assert words in found
    assert len(found) <= 301
    assert "\n" not in found


class Bucket:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def get_object(self, Bucket: str, Key: str) -> Any:  # noqa: N803 as boto3 calls it
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        held = self.objects[Key]
        return {"Body": type("Body", (), {"read": lambda _: held})()}

    def list_objects_v2(self, **_: Any) -> Any:
        return {}

    def put_object(self, **arguments: Any) -> None:
        self.objects[arguments["Key"]] = arguments["Body"]


def test_the_last_comparison_is_noted_and_read_again() -> None:
    bucket: Any = Bucket()
    note = BucketNote(bucket, "b")
    assert note.read() is None
    tally = Tally(version=1, records=10)
    tally.findings.update({Finding.EQUAL: 7, Finding.MISSING: 2, Finding.PENDING: 5})
    note.write(LastComparison.of(Verdict({Collection.LINES: tally}, [], 1.0), NOW))
    found = note.read()
    assert found == LastComparison(NOW, 7, 2, 0, 0, 5)
    assert found is not None
    assert found.faults == 2
    bucket.objects[KEY] = b"{"
    assert note.read() is None


def test_the_age_of_the_oldest_message_is_the_newest_value_of_cloudwatch() -> None:
    class CloudWatch:
        def get_metric_statistics(self, **arguments: Any) -> Any:
            assert arguments["Dimensions"] == [{"Name": "QueueName", "Value": "q"}]
            return {
                "Datapoints": [
                    {"Timestamp": NOW, "Maximum": 120.0},
                    {"Timestamp": NOW - timedelta(minutes=1), "Maximum": 60.0},
                ]
            }

    assert oldest_message_seconds(CloudWatch(), "q", NOW) == 120.0
    empty = type("CloudWatch", (), {"get_metric_statistics": lambda *_, **__: {}})()
    assert oldest_message_seconds(empty, "q", NOW) is None


def test_each_version_is_opened_once_and_a_large_one_on_demand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[Collection] = []

    def open_one(_: Any, collection: Collection) -> str | None:
        opened.append(collection)
        return "a pack is gone" if collection is Collection.WORDS else None

    monkeypatch.setattr(opening, "_open", open_one)
    small, large = (Published("snapshot", 7, NOW, "w", 1, size=n) for n in (1, OPENED_BYTES + 1))
    openings = Openings(CONNECTION, all_sizes=False)
    for _ in range(2):
        assert openings.faults({Collection.LINES: large, Collection.WORDS: small}) == {
            Collection.WORDS: "a pack is gone"
        }
    assert opened == [Collection.WORDS]
    assert openings.faults({Collection.LINES: None, Collection.WORDS: Damaged("x")}) == {}
    every = Openings(CONNECTION, all_sizes=True).faults({Collection.LINES: large})
    assert every == {Collection.LINES: None}


def test_what_can_not_be_opened_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Any:
        raise SnapshotDamagedError("a block is gone")

    monkeypatch.setattr(opening, "snapshot_readers", refuse)
    small = Published("snapshot", 7, NOW, "w", 1, size=1)
    found = Openings(CONNECTION, all_sizes=False).faults({Collection.LINES: small})
    assert found == {Collection.LINES: "a block is gone"}


class Followed(Lines):
    """Logs to which a line is added at each look; Ctrl-C comes at the end of the last one."""

    def __init__(self, *lines: LogLine) -> None:
        super().__init__(*lines[:1])
        self.later = list(lines[1:])

    def lines(
        self, function: str, since: datetime, containing: str | None = None
    ) -> Iterator[LogLine]:
        yield from super().lines(function, since, containing)
        if not self.later:
            raise KeyboardInterrupt
        self.held.append(self.later.pop(0))


def functions(
    monkeypatch: pytest.MonkeyPatch,
    logs: Lines,
    *,
    errors: bool = False,
    of: Of | None = Of.COMPACTOR,
) -> Any:
    class Deployed:
        stream_processor = Function("stream", 1, "/stream", {})
        compactor = Function("f", 1, "/f", {})

    monkeypatch.setattr(logs_module, "Deployment", lambda _: Deployed())
    monkeypatch.setattr(logs_module, "CloudWatchLogs", lambda *_: logs)
    connection = type("Connection", (), {"logs": None})()
    return _Functions(connection, of, errors=errors)


def test_followed_lines_are_told_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line(number, {"message": str(number)}) for number in range(4)]
    clock = ManualClock()
    monkeypatch.setattr(clock, "now", lambda: NOW)
    told: list[LogLine] = []
    followed = functions(monkeypatch, Followed(*lines))
    with pytest.raises(KeyboardInterrupt):
        told.extend(tell(followed.lines(clock, timedelta(minutes=1), follow=True), told))
    assert told == lines


def tell(lines: Iterator[LogLine], told: list[LogLine]) -> list[LogLine]:
    """Note each line as it is told, until Ctrl-C ends the look that would tell the next."""
    for one in lines:
        told.append(one)
    return []


def test_lines_of_both_functions_are_told_in_their_order_and_before_all_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[int] = []

    class Noted(Lines):
        def lines(self, *question: Any) -> Iterator[LogLine]:
            for one in super().lines(*question):
                read.append(one.at.second)
                yield one

    logs = Noted(*(line(n, FAILED, "f" if n % 3 else "stream") for n in range(20)))
    clock = ManualClock()
    monkeypatch.setattr(clock, "now", lambda: NOW)
    found = functions(monkeypatch, logs, of=None).lines(clock, timedelta(minutes=1), follow=False)
    assert next(found).at.second == 0
    assert len(read) <= 2
    assert [one.at.second for one in found] == list(range(1, 20))


def test_metrics_and_the_runtimes_lines_are_left_out_unless_they_tell_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = line(1, {"message": "published"})
    timed_out = line(3, "Task timed out after 3.00 seconds")
    logs = Lines(
        line(0, "START RequestId: r"), said, line(2, {"_aws": {}}), timed_out, line(4, FAILED)
    )
    clock = ManualClock()
    monkeypatch.setattr(clock, "now", lambda: NOW)
    back = timedelta(minutes=1)
    all_lines = list(functions(monkeypatch, logs).lines(clock, back, follow=False))
    assert [one.event_id for one in all_lines] == ["1", "3", "4"]
    only = list(functions(monkeypatch, logs, errors=True).lines(clock, back, follow=False))
    assert [one.event_id for one in only] == ["3", "4"]


class LogsClient:
    """CloudWatch Logs that answers one page, and then fails as it is told."""

    def __init__(self, code: str | None, pages: int = 1) -> None:
        self.code, self.pages = code, pages

    def get_paginator(self, operation: str) -> "LogsClient":
        assert operation == "filter_log_events"
        return self

    def paginate(self, **_: Any) -> Iterator[Any]:
        for number in range(self.pages):
            yield {"events": [{"timestamp": number, "message": "{}", "eventId": str(number)}]}
        if self.code:
            raise ClientError({"Error": {"Code": self.code}}, "FilterLogEvents")


def test_a_function_that_was_never_invoked_has_no_log_group_and_so_no_events() -> None:
    logs = CloudWatchLogs(LogsClient("ResourceNotFoundException", pages=0), {"f": "/aws/lambda/f"})
    assert list(logs.lines("f", NOW)) == []
    assert list(logs.events("f", NOW, "x")) == []
    assert errors_of(logs, "f", NOW) is None


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException"])
def test_a_log_that_is_read_in_part_is_no_log_without_errors(code: str) -> None:
    logs = CloudWatchLogs(LogsClient(code), {"f": "/aws/lambda/f"})
    with pytest.raises(ClientError, match=code):
        list(logs.lines("f", NOW))


class Refused:
    """A client of which every call is refused, paged or not."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __getattr__(self, operation: str) -> Any:
        def call(*_: Any, **__: Any) -> Any:
            if operation == "get_paginator":
                return self
            raise ClientError({"Error": {"Code": self.code}}, operation)

        return call


class Deployed(AWS):
    """SQS, DynamoDB and Lambda of a deployed system, with empty queues and free leases."""

    def __init__(self) -> None:
        super().__init__()
        counts = ("Messages", "MessagesDelayed", "MessagesNotVisible")
        self.attributes |= {f"ApproximateNumberOf{name}": "0" for name in counts}

    def get_item(self, **_: Any) -> Any:
        return {}


def looked_at(code: str, *services: str, deployed: AWS | None = None) -> Status:
    """Look at a deployed system of which some services refuse every call."""
    aws: Any = deployed or Deployed()
    refused: Any = Refused(code)
    clients: dict[str, Any] = {
        "dynamodb": aws,
        "s3": Bucket(),
        "lambda": aws,
        "logs": LogsClient(None, pages=0),
        "cloudwatch": type("CloudWatch", (), {"get_metric_statistics": lambda *_, **__: {}})(),
        **dict.fromkeys(services, refused),
    }
    connection = Connection(
        CONNECTION.names, aws, clients["s3"], aws, client=lambda name: clients[name]
    )
    return look(connection, ManualClock(), Openings(connection, all_sizes=False))


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
@pytest.mark.parametrize(
    ("service", "names"),
    [("logs", {"freshness", "errors", "refusals"}), ("cloudwatch", {"oldest_seconds"})],
)
def test_a_part_that_is_refused_hides_no_other_and_is_no_all_clear(
    service: str, names: set[str], code: str
) -> None:
    found = looked_at(code, service)
    assert set(found.unknown) == names
    assert found.backlog.is_empty
    assert len(found.attention) == len(names) + 1, "and word updates are switched off"
    screen = Console(width=200, record=True, file=StringIO())
    screen.print(screen_of(found))
    assert screen.export_text().count("unknown") >= len(names)
    assert set(found.to_json()["unknown"]) == names


def test_every_mapping_of_a_source_is_told_with_its_uuid_and_state() -> None:
    aws = Deployed()
    second = {**aws._mapping("compactor:live"), "UUID": "uuid-2", "State": "Disabled"}
    aws.more[QUEUE_ARN] = [second]
    found = looked_at("none", deployed=aws)
    assert [(one.name, one.uuid, one.state) for one in found.mappings] == [
        ("stream", "uuid-stream-processor", "Enabled"),
        ("queue", "uuid-compactor", "Enabled"),
        ("queue", "uuid-2", "Disabled"),
    ]
    assert any("the queue has 2 mappings" in one and "uuid-2" in one for one in found.attention)


def test_the_note_of_the_last_comparison_may_be_unknown() -> None:
    assert set(looked_at("AccessDenied", "s3").unknown) == {"versions", "comparison"}


def test_credentials_that_are_refused_are_a_failure_of_all() -> None:
    with pytest.raises(ClientError, match="ExpiredToken"):
        looked_at("ExpiredToken", "cloudwatch")


@pytest.mark.parametrize("value", ["7", None, 1.5, [], True])
def test_a_damaged_note_is_no_comparison(value: Any) -> None:
    content = {**LastComparison(NOW, 1, 2, 3, 4, 5).to_json(), "missing": value}
    assert LastComparison.read(json.dumps(content).encode()) is None


@pytest.mark.parametrize(
    ("error", "is_fault"),
    [
        (SnapshotDamagedError("a pack is gone"), True),
        (IndexFailedError("Chroma's get failed"), True),
        (WorkspaceFullError("the disk of /tmp is full"), False),
        (SnapshotForbiddenError("S3 refuses to read it"), False),
        (IndexUnavailableError("the server can't be reached"), False),
    ],
)
def test_what_this_machine_or_its_rights_lack_is_no_fault_of_a_snapshot(
    error: Exception, *, is_fault: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was "no reader can open it", and --watch said so for ever."""
    fails = [error]

    class Reader:
        version = 7

        def refresh(self) -> None:
            if fails:
                raise fails.pop()

        def ids(self) -> Iterator[str]:
            return iter(())

    @contextmanager
    def readers(*_: Any) -> Iterator[Any]:
        yield {Collection.WORDS: Reader()}

    monkeypatch.setattr(opening, "snapshot_readers", readers)
    openings = Openings(CONNECTION, all_sizes=False)
    present = {Collection.WORDS: Published("snapshot", 7, NOW, "w", 1, size=1)}
    if is_fault:
        assert openings.faults(present) == {Collection.WORDS: str(error)}
        return
    unknown = Unknown(CONNECTION)
    assert unknown.ask("openings", lambda: openings.faults(present), {}) == {}
    assert unknown.why == {"openings": str(error)}
    assert openings.faults(present) == {Collection.WORDS: None}
