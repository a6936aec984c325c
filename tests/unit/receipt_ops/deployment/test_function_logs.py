"""The functions' logs: the last error, lines that are followed, and logs that cannot be read."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from receipt_ops.deployment.function_errors import errors_of, sentence_of
from receipt_ops.deployment.parts import Function
from receipt_ops.logs import wiring
from receipt_ops.logs.cloudwatch_logs import CloudWatchLogs
from receipt_ops.logs.log_events import LogLine
from receipt_ops.logs.log_following import FunctionName
from receipt_ops.logs.wiring import function_logs_of
from tests.support.fakes.clock import ManualClock
from tests.unit.receipt_ops.log_lines import FAILED, NOW, Lines, LogsClient, line


def test_the_last_error_of_a_function_is_reported_with_its_time_and_count() -> None:
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


REQUEST = "0f8fad5b-d9cb-469f-a165-70867728950e"
OTHER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def report(status: str, **more: Any) -> dict[str, Any]:
    metrics = {"durationMs": 900_000.0, "billedDurationMs": 900_000}
    record = {"requestId": REQUEST, "metrics": metrics, "status": status, **more}
    return {"time": "2026-01-01T00:00:00Z", "type": "platform.report", "record": record}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (report("timeout"), "Lambda ended an invocation after 900.0 s: timeout"),
        (
            report("error", errorType="Runtime.OutOfMemory"),
            "Lambda ended an invocation after 900.0 s: error, Runtime.OutOfMemory",
        ),
        (report("failure"), "Lambda ended an invocation after 900.0 s: failure"),
        (
            f"REPORT RequestId: {REQUEST}\tDuration: 3 ms\tStatus: timeout",
            f"REPORT RequestId: {REQUEST} Duration: 3 ms Status: timeout",
        ),
        (
            f"REPORT RequestId: {REQUEST}\tStatus: error\tError Type: Runtime.OutOfMemory",
            f"REPORT RequestId: {REQUEST} Status: error Error Type: Runtime.OutOfMemory",
        ),
        ("Worker process died", "Worker process died"),
        ("Traceback (most recent call last):", "Traceback (most recent call last):"),
    ],
)
def test_an_invocation_that_lambda_ended_is_an_error(content: Any, words: str) -> None:
    """`status` said that nothing needs attention while every batch timed out."""
    found = errors_of(Lines(line(1, content)), "f", NOW)
    assert found is not None
    assert (found.count, found.last) == (1, words)


@pytest.mark.parametrize(
    "content",
    [
        report("success"),
        {**report("timeout"), "type": "platform.runtimeDone"},
        {**report("timeout"), "record": "timeout"},
        f"REPORT RequestId: {REQUEST}\tDuration: 3 ms\tBilled Duration: 3 ms",
        f"REPORT RequestId: {REQUEST}\tStatus: error\tError Type: ValueError",
    ],
)
def test_the_report_of_another_invocation_is_no_error(content: Any) -> None:
    assert errors_of(Lines(line(1, content)), "f", NOW) is None


def test_an_invocation_that_logged_its_error_is_counted_once() -> None:
    raised = {"level": "ERROR", "errorType": "ValueError", "requestId": REQUEST}
    ended = report("error", errorType="ValueError")
    other = {**ended, "record": {**ended["record"], "requestId": OTHER}}
    found = errors_of(Lines(line(1, raised), line(2, ended), line(3, other)), "f", NOW)
    assert found is not None
    assert (found.count, found.last_at) == (2, NOW + timedelta(seconds=3))


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
    of: FunctionName | None = FunctionName.COMPACTOR,
) -> Any:
    class Deployed:
        stream_processor = Function("stream", 1, "/stream", {})
        compactor = Function("f", 1, "/f", {})

    monkeypatch.setattr(wiring, "Deployment", lambda _: Deployed())
    monkeypatch.setattr(wiring, "logs_of", lambda *_: logs)
    connection: Any = None
    return function_logs_of(connection, of, errors=errors)


def test_each_followed_line_is_shown_once(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line(number, {"message": str(number)}) for number in range(4)]
    clock = ManualClock()
    monkeypatch.setattr(clock, "now", lambda: NOW)
    seen: list[LogLine] = []
    followed = functions(monkeypatch, Followed(*lines))
    with pytest.raises(KeyboardInterrupt):
        collect(followed.lines(clock, timedelta(minutes=1), follow=True), seen)
    assert seen == lines


def collect(lines: Iterator[LogLine], seen: list[LogLine]) -> None:
    """Append each line to `seen`, until Ctrl-C ends the iteration."""
    for one in lines:
        seen.append(one)


def test_lines_of_both_functions_are_shown_in_order_and_before_all_are_read(
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


def test_metrics_and_the_runtimes_lines_are_left_out_unless_they_report_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = line(1, {"message": "published"})
    timed_out = line(3, "Task timed out after 3.00 seconds")
    logs = Lines(
        line(0, "START RequestId: r"), said, line(2, {"_aws": {}}), timed_out, line(4, FAILED),
        line(5, report("success")), line(6, report("timeout")),
    )  # fmt: skip
    clock = ManualClock()
    monkeypatch.setattr(clock, "now", lambda: NOW)
    back = timedelta(minutes=1)
    all_lines = list(functions(monkeypatch, logs).lines(clock, back, follow=False))
    assert [one.event_id for one in all_lines] == ["1", "3", "4", "6"]
    only = list(functions(monkeypatch, logs, errors=True).lines(clock, back, follow=False))
    assert [one.event_id for one in only] == ["3", "4", "6"]


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
