"""The merge of log lines from several sources, in order and each once, without keeping them."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from heapq import merge

from receipt_ops.logs.log_events import LogLine

LATE = timedelta(seconds=30)
"""The longest delay with which CloudWatch may show a line after a line that is newer."""
_AT_LEAST = 1_000


def in_order(sources: Iterable[Iterable[LogLine]]) -> Iterator[LogLine]:
    """Yield the lines of all sources, oldest first. Each source must be in this order."""
    return merge(*sources, key=lambda line: line.at)


class SeenLines:
    """Remembers the lines that a caller has shown, and forgets those that cannot come again."""

    def __init__(self, late: timedelta = LATE) -> None:
        self._late = late
        self._seen: dict[int, datetime] = {}
        self._newest: datetime | None = None
        self._most = _AT_LEAST

    def is_new(self, line: LogLine, *, now: datetime | None = None) -> bool:
        """Return whether a line is new, and remember it.

        A function's clock may be ahead. So with `now`, no line counts as newer than that.
        """
        name = hash((line.at, line.function, line.event_id, line.text))
        if name in self._seen:
            return False
        self._seen[name] = line.at
        at = line.at if now is None else min(line.at, now)
        self._newest = at if self._newest is None else max(self._newest, at)
        if len(self._seen) > self._most:
            self._forget(self._newest - self._late)
        return True

    def _forget(self, before: datetime) -> None:
        self._seen = {name: at for name, at in self._seen.items() if at >= before}
        self._most = max(_AT_LEAST, 2 * len(self._seen))
