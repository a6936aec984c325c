"""Reads what the functions logged: JSON lines, from CloudWatch Logs."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from receipt_sync.clock import epoch_ms


@dataclass(frozen=True)
class LogEvent:
    """One JSON line. `content` is what it says; `function` is whose log group it is from."""

    at: datetime
    function: str
    content: Mapping[str, Any]

    @property
    def request_id(self) -> str | None:
        """The invocation that wrote it."""
        value = self.content.get("request_id") or self.content.get("function_request_id")
        return value if isinstance(value, str) else None


class Logs(Protocol):
    """The log groups of the functions."""

    def events(
        self, function: str, since: datetime, containing: str | None = None
    ) -> Iterator[LogEvent]:
        """JSON lines of a function, oldest first; `containing` is a text that they must hold."""
        ...


class CloudWatchLogs:
    """Logs in CloudWatch. `groups` maps a function's name to its log group.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
    """

    def __init__(self, client: Any, groups: Mapping[str, str]) -> None:
        self._client, self._groups = client, groups

    def events(
        self, function: str, since: datetime, containing: str | None = None
    ) -> Iterator[LogEvent]:
        pattern = {"filterPattern": f'"{_plain(containing)}"'} if containing else {}
        pages = self._client.get_paginator("filter_log_events").paginate(
            logGroupName=self._groups[function], startTime=epoch_ms(since), **pattern
        )
        for page in pages:
            for event in page["events"]:
                content = _json(event["message"])
                if content is not None:
                    yield LogEvent(_moment(event["timestamp"]), function, content)


def _plain(text: str) -> str:
    """A term of a filter pattern: quotes would end it."""
    return text.replace("\\", "").replace('"', "")


def _json(line: str) -> Mapping[str, Any] | None:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return None  # what the runtime itself says
    return content if isinstance(content, dict) else None


def _moment(epoch: int) -> datetime:
    return datetime.fromtimestamp(epoch / 1000, UTC)
