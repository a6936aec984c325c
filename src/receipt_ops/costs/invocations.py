"""The invocations that Lambda bills, from the report that it writes at the end of each one.

Lambda writes the report also for an invocation that it ended itself, because of its time or memory.
Such an invocation writes no metric of its own.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from receipt_ops.logs.log_events import LogLine

_TEXT: Final = re.compile(r"^REPORT RequestId: .*\bBilled Duration: ([0-9.]+) ms")


def billed_ms(line: LogLine) -> float | None:
    """Return the billed milliseconds of a report; None for any other line.

    The report is text, or a `platform.report` if the function logs in JSON:
    https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html#platform-report
    """
    if line.content is None:
        found = _TEXT.match(line.text)
        return float(found[1]) if found else None
    if line.content.get("type") != "platform.report":
        return None
    value = _part(_part(line.content, "record"), "metrics").get("billedDurationMs")
    return float(value) if isinstance(value, int | float) else None


def _part(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = content.get(name)
    return value if isinstance(value, dict) else {}
