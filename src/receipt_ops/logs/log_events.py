"""The functions' logs: their JSON lines, and the lines of the runtime."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True)
class LogEvent:
    """Holds a JSON line of the log of `function`. `content` is the parsed line."""

    at: datetime
    function: str
    content: Mapping[str, Any]

    @property
    def request_id(self) -> str | None:
        """Return the request id of the invocation that wrote the line; None if it names none."""
        value = self.content.get("request_id") or self.content.get("function_request_id")
        return value if isinstance(value, str) else None


@dataclass(frozen=True)
class LogLine:
    """Holds one line unchanged. `content` is None for a line that is not a JSON object."""

    at: datetime
    function: str
    text: str
    event_id: str
    content: Mapping[str, Any] | None


class Logs(Protocol):
    """The log groups of the functions."""

    def events(
        self, function: str, since: datetime, containing: str | None = None
    ) -> Iterator[LogEvent]:
        """Yield the JSON lines of a function that may contain a text, oldest first.

        No line that contains it is missing, but some may contain only parts of it.
        """
        ...


class LogLines(Protocol):
    """The log groups of the functions, with the lines of the runtime."""

    def lines(
        self, function: str, since: datetime, containing: str | None = None
    ) -> Iterator[LogLine]:
        """Yield all lines of a function that may contain a text, oldest first. See Logs.events."""
        ...
