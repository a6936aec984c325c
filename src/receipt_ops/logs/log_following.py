"""Reads the logs of the functions in one order, and follows them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from receipt_ops.deployment.function_errors import error_lines, is_error
from receipt_ops.logs.log_events import LogLine, LogLines
from receipt_ops.logs.seen_lines import LATE, SeenLines, in_order
from receipt_sync.clock import Clock

_POLL_SECONDS = 2.0
_RUNTIME = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START")


class FunctionName(StrEnum):
    """Names the functions."""

    STREAM = "stream"
    COMPACTOR = "compactor"


class FunctionLogs:
    """The logs of some functions."""

    def __init__(self, logs: LogLines, names: Sequence[str], *, errors: bool) -> None:
        self._logs, self._names, self._errors = logs, names, errors

    def lines(self, clock: Clock, back: timedelta, *, follow: bool) -> Iterator[LogLine]:
        """Yield each line once, oldest first. With `follow`, also yield new lines."""
        since, late = clock.now() - back, LATE + timedelta(seconds=_POLL_SECONDS)
        seen = SeenLines(late)
        while True:
            for line in in_order(self._of(name, since) for name in self._names):
                if seen.is_new(line, now=clock.now()):
                    yield line
            if not follow:
                return
            clock.sleep(_POLL_SECONDS)
            since = max(since, clock.now() - late)

    def _of(self, name: str, since: datetime) -> Iterable[LogLine]:
        if self._errors:
            return error_lines(self._logs, name, since)
        return (line for line in self._logs.lines(name, since) if _is_shown(line))


def _is_shown(line: LogLine) -> bool:
    if is_error(line):
        return True
    if line.content is not None:
        return "_aws" not in line.content and not _is_of_the_platform(line.content)
    return not line.text.startswith(_RUNTIME)


def _is_of_the_platform(content: Mapping[str, Any]) -> bool:
    """Return whether Lambda wrote a JSON line, about the begin or the end of an invocation."""
    return str(content.get("type", "")).startswith("platform.")
