"""The functions' logs in CloudWatch."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from receipt_ops.logs.log_events import LogEvent, LogLine
from receipt_sync.clock import epoch_ms

_ESCAPED: Final = re.compile(r'["\\]+|[0-9A-Za-z]*[^ -~]+[0-9A-Za-z]*')


class CloudWatchLogs:
    """Reads logs from CloudWatch. `groups` maps a function's name to its log group.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
    """

    def __init__(self, client: Any, groups: Mapping[str, str]) -> None:
        self._client, self._groups = client, groups

    def lines(
        self, function: str, since: datetime, containing: str | None = None
    ) -> Iterator[LogLine]:
        pattern = {"filterPattern": p} if (p := _pattern(containing or "")) else {}
        pages = self._client.get_paginator("filter_log_events").paginate(
            logGroupName=self._groups[function], startTime=epoch_ms(since), **pattern
        )
        for page in _until_no_group(pages):
            for event in page["events"]:
                text = event["message"]
                at, event_id = _moment(event["timestamp"]), str(event.get("eventId", ""))
                yield LogLine(at, function, text, event_id, _json(text))

    def events(
        self, function: str, since: datetime, containing: str | None = None
    ) -> Iterator[LogEvent]:
        for line in self.lines(function, since, containing):
            if line.content is not None:
                yield LogEvent(line.at, function, line.content)


def _until_no_group(pages: Iterable[Any]) -> Iterator[Any]:
    """Yield the pages; none if there is no log group.

    Lambda creates a function's log group with its first line, so without one there are no lines.
    """
    try:
        yield from pages
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ResourceNotFoundException":
            raise


def _pattern(text: str) -> str:
    """Return a filter pattern for all lines that may contain a text; "" if each line may.

    A JSON line may write quotes, backslashes and characters beyond ASCII as escapes. So the pattern
    demands the parts between them, without the words that touch such a character.
    """
    parts = _ESCAPED.split(text)
    return " ".join(f'"{part}"' for part in parts if re.search("[0-9A-Za-z]", part))


def _json(line: str) -> Mapping[str, Any] | None:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return None  # The runtime itself writes plain text.
    return content if isinstance(content, dict) else None


def _moment(epoch: int) -> datetime:
    return datetime.fromtimestamp(epoch / 1000, UTC)
