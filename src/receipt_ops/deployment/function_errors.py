"""The errors of a function from its log: those that it logged, and those that ended it."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from receipt_ops.logs.invocation_reports import failure_of, request_of
from receipt_ops.logs.log_events import LogLine, LogLines
from receipt_ops.logs.seen_lines import SeenLines, in_order

ERROR_TERMS: Final = (
    "ERROR", "CRITICAL", "Task timed out", "Runtime exited", "Worker process died", "Traceback ("
)  # fmt: skip
"""The terms of an error line: its level, or a text about a process or a handler that ended.

The last two texts are those of the local AWS.
"""
_REPORT_TERMS: Final = (
    "Status: ", '"status":"timeout"', '"status":"error"', '"status":"failure"'
)  # fmt: skip
"""The terms of the report of an invocation that failed, as text and as JSON."""
_REQUESTS: Final = 1_000
"""Number of requests whose error lines are remembered. A report follows them within a second."""
_LEVELS: Final = ("ERROR", "CRITICAL")
_LONGEST: Final = 300


@dataclass(frozen=True)
class FunctionErrors:
    """Holds the number of a function's recent errors and the text of its last one."""

    function: str
    count: int
    last_at: datetime
    last: str

    def to_json(self) -> dict[str, Any]:
        return {
            "function": self.function,
            "count": self.count,
            "last_at": self.last_at.isoformat(),
            "last": self.last,
        }


def errors_of(logs: LogLines, function: str, since: datetime) -> FunctionErrors | None:
    """Return the errors of a function since a time; None if there are none."""
    count, last = 0, None
    for line in error_lines(logs, function, since):
        count += 1
        last = line if last is None or line.at > last.at else last
    return FunctionErrors(function, count, last.at, sentence_of(last)) if last else None


def error_lines(logs: LogLines, function: str, since: datetime) -> Iterator[LogLine]:
    """Yield each error line once, oldest first. The function keeps no lines."""
    seen = SeenLines()
    requests: deque[str] = deque(maxlen=_REQUESTS)
    terms = (*ERROR_TERMS, *_REPORT_TERMS)
    for line in in_order(logs.lines(function, since, term) for term in terms):
        if not is_error(line) or not seen.is_new(line):
            continue
        request = request_of(line)
        if failure_of(line) and request in requests:
            continue  # The function has logged the error itself.
        if request is not None:
            requests.append(request)
        yield line


def is_error(line: LogLine) -> bool:
    """Return whether a line reports an error. A term inside a JSON field is not enough."""
    if failure_of(line):
        return True
    if line.content is None:
        return any(term in line.text for term in ERROR_TERMS)
    level = line.content.get("level") or line.content.get("log_level")
    return level in _LEVELS or "errorType" in line.content


def sentence_of(line: LogLine) -> str:
    """Return the text of an error line as one line of at most 300 characters."""
    content = line.content
    if content is None:
        return _short(line.text)
    failure = failure_of(line)
    if failure:
        return _short(failure)
    parts = (content.get(name) for name in ("message", "error", "detail"))
    lambda_parts = (content.get(name) for name in ("errorType", "errorMessage"))
    return _short(": ".join(str(part) for part in (*parts, *lambda_parts) if part))


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST else f"{flat[:_LONGEST]}…"
