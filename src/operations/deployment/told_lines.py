"""Brings log lines of several sources into one order, each once, without keeping them."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from heapq import merge

from operations.deployment.log_events import LogLine

LATE = timedelta(seconds=30)
"""How late a line may appear in CloudWatch behind one that was written after it."""
_AT_LEAST = 1_000


def in_order(sources: Iterable[Iterable[LogLine]]) -> Iterator[LogLine]:
    """Give the lines of all sources, oldest first, as each source does."""
    return merge(*sources, key=lambda line: line.at)


class Told:
    """Which lines were told already. It forgets those that can't come again."""

    def __init__(self, late: timedelta = LATE) -> None:
        self._late = late
        self._told: dict[int, datetime] = {}
        self._newest: datetime | None = None
        self._most = _AT_LEAST

    def is_new(self, line: LogLine, *, now: datetime | None = None) -> bool:
        """Return whether a line was not told yet, and note it.

        A function's clock may be ahead, so where `now` is known no line counts as newer than that.
        """
        name = hash((line.at, line.function, line.event_id, line.text))
        if name in self._told:
            return False
        self._told[name] = line.at
        at = line.at if now is None else min(line.at, now)
        self._newest = at if self._newest is None else max(self._newest, at)
        if len(self._told) > self._most:
            self._forget(self._newest - self._late)
        return True

    def _forget(self, before: datetime) -> None:
        self._told = {name: at for name, at in self._told.items() if at >= before}
        self._most = max(_AT_LEAST, 2 * len(self._told))
