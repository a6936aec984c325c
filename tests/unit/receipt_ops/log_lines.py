"""Log lines in memory, and a client of CloudWatch Logs that fails as a test asks."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from receipt_ops.logs.log_events import LogLine

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def line(second: int, content: Any, function: str = "f") -> LogLine:
    text = content if isinstance(content, str) else json.dumps(content, separators=(",", ":"))
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


class LogsClient:
    """CloudWatch Logs that answers one page, and then fails with the given error."""

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
