"""Sends every line and word of the table through the queue, page by page (resumable).

A stream begins with what is written after it was switched on, and keeps a day: whatever is older
reaches Chroma by this. A place file remembers where the next page begins.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from operations.errors import OperationError
from operations.repair.changes import ChangeSink, recompute
from operations.settling import Backlog
from operations.table_pages import Page, Position
from receipt_sync.clock import Clock

WHY: Final = "backfill"
_POLL_SECONDS: Final = 1.0


class PlaceError(OperationError):
    """The place file is unreadable, or that of another table."""


class PlaceFile:
    """Where a backfill of a table has got to; the file is gone once it is done."""

    def __init__(self, path: Path, table: str) -> None:
        self._path, self._table = path, table

    def read(self) -> tuple[Position | None, int]:
        """Where to go on, and how many were sent before; (None, 0) to begin. Raises PlaceError."""
        try:
            content: Any = json.loads(self._path.read_text())
            table, position, sent = content["table"], content["next"], int(content["sent"])
        except FileNotFoundError:
            return None, 0
        except (ValueError, KeyError, TypeError) as error:
            raise PlaceError(
                f"{self._path} is not the place of a backfill: remove it to begin anew"
            ) from error
        if table != self._table:
            raise PlaceError(
                f"{self._path} is the place of a backfill of the table {table}: finish that, or "
                "give another --place"
            )
        return position, sent

    def write(self, position: Position, sent: int) -> None:
        """Remember, in one step, so that an interruption leaves the place before or this one."""
        scratch = self._path.with_name(self._path.name + ".new")
        content = {"table": self._table, "next": position, "sent": sent}
        scratch.write_text(json.dumps(content) + "\n")
        scratch.replace(self._path)

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


class Pages(Protocol):
    """The table's keys from a place on."""

    def __call__(self, start: Position | None) -> Iterator[Page]: ...


@dataclass(frozen=True)
class Pace:
    """The most changes a second, and the most messages that may wait before another page goes."""

    changes_per_second: float
    most_waiting: int


class Backfill:
    """Sends page after page, at a pace that the compactor can follow."""

    def __init__(
        self,
        pages: Pages,
        changes: ChangeSink,
        backlog: Callable[[], Backlog],
        place: PlaceFile,
        clock: Clock,
        pace: Pace,
    ) -> None:
        self._pages, self._changes, self._backlog = pages, changes, backlog
        self._place, self._clock, self._pace = place, clock, pace

    def run(self, advance: Callable[[int], None] = lambda _: None) -> int:
        """Send what is left; returns how many records were sent, earlier runs included."""
        start, sent = self._place.read()
        advance(sent)
        for page in self._pages(start):
            keys = [key for key in page.entities if key.collection is not None]
            self._wait_for_room()
            begun = self._clock.monotonic()
            self._changes.send(recompute(keys, self._clock.now(), WHY))
            sent += len(keys)
            if page.next is not None:
                self._place.write(page.next, sent)
            advance(len(keys))
            self._keep_pace(begun, len(keys))
        self._place.remove()
        return sent

    def _wait_for_room(self) -> None:
        while True:
            left = self._backlog()
            if left.waiting + left.in_flight <= self._pace.most_waiting:
                return
            self._clock.sleep(_POLL_SECONDS)

    def _keep_pace(self, begun: float, count: int) -> None:
        due = begun + count / self._pace.changes_per_second
        pause = due - self._clock.monotonic()
        if pause > 0:
            self._clock.sleep(pause)
