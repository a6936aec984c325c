"""The report that Lambda writes at the end of each invocation, as text or as JSON.

Lambda writes it also for an invocation that it ended itself, because of its time or memory. No
other line reports such an end if the function logs in JSON:
https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html#platform-report
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from receipt_ops.logs.log_events import LogLine

_BILLED: Final = re.compile(r"^REPORT RequestId: .*\bBilled Duration: ([0-9.]+) ms")
_FAILED: Final = re.compile(
    r"^REPORT RequestId: .*\bStatus: (timeout|failure|error\s+Error Type: Runtime\.)"
)
"""An error of another type is one that the handler raised, and the runtime has logged it."""
_REQUEST: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FAILURES: Final = ("timeout", "failure", "error")


def billed_ms(line: LogLine) -> float | None:
    """Return the billed milliseconds of a report; None for any other line."""
    if line.content is None:
        found = _BILLED.match(line.text)
        return float(found[1]) if found else None
    return _number(_part(_report(line.content), "metrics").get("billedDurationMs"))


def failure_of(line: LogLine) -> str | None:
    """Return a sentence if a line is the report of an invocation that failed; None otherwise."""
    if line.content is None:
        return line.text if _FAILED.match(line.text) else None
    report = _report(line.content)
    status = report.get("status")
    if status not in _FAILURES:
        return None
    kind = report.get("errorType")
    cause = f"{status}, {kind}" if isinstance(kind, str) else str(status)
    duration = _number(_part(report, "metrics").get("durationMs"))
    after = "" if duration is None else f" after {duration / 1000:,.1f} s"
    return f"Lambda ended an invocation{after}: {cause}"


def request_of(line: LogLine) -> str | None:
    """Return the request id of the invocation that a line belongs to; None if it names none."""
    if line.content is None:
        found = _REQUEST.search(line.text)
        return found[0] if found else None
    names = ("request_id", "function_request_id", "requestId")
    values = (line.content.get(name) for name in names)
    request = next((value for value in values if value), _report(line.content).get("requestId"))
    return request if isinstance(request, str) else None


def _report(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the record of a report; an empty one for any other line."""
    return _part(content, "record") if content.get("type") == "platform.report" else {}


def _part(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = content.get(name)
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
