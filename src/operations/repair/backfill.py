"""Sends every line and word of the table through the queue, page by page (resumable).

A stream begins with what is written after it was switched on, and keeps a day: whatever is older
reaches Chroma by this. A place file remembers where the next page begins.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from operations.errors import OperationError
from operations.repair.changes import ChangeSink, recompute
from operations.repair.place import Place, PlaceFile
from operations.settling import Backlog
from operations.table_pages import Page, Position
from receipt_sync.clock import Clock

WHY: Final = "backfill"
_POLL_SECONDS: Final = 1.0
_POLLS_A_CHECK: Final = 10


class QueueStoppedError(OperationError):
    """The queue's mapping is off, so that waiting for room would never end."""


class Pages(Protocol):
    """The table's keys from a place on."""

    def __call__(self, start: Position | None) -> Iterator[Page]: ...


@dataclass(frozen=True)
class Pace:
    """The most changes a second, and the most messages that may wait before another page goes."""

    changes_per_second: float
    most_waiting: int


class Sent(NamedTuple):
    """How many records this run has sent, and how many an interrupted one had before it."""

    now: int
    before: int


class Consumer(Protocol):
    """Who takes the messages."""

    def backlog(self) -> Backlog: ...

    def is_on(self) -> bool:
        """Return whether messages are taken at all."""
        ...


class Backfill:
    """Sends page after page, at a pace that the compactor can follow."""

    def __init__(
        self,
        pages: Pages,
        changes: ChangeSink,
        consumer: Consumer,
        place: PlaceFile,
        clock: Clock,
        pace: Pace,
    ) -> None:
        self._pages, self._changes, self._consumer = pages, changes, consumer
        self._place, self._clock, self._pace = place, clock, pace

    def left(self, *, resume: bool) -> Place | None:
        """Return where to go on with `resume`; None to begin. Raises PlaceError, QueueStoppedError.

        A file that is no place of this table is an error in either case: it is not overwritten.
        """
        self._check_on()
        if resume:
            return self._place.resumed(self._clock.now())
        self._place.read()
        return None

    def run(
        self,
        left: Place | None = None,
        advance: Callable[[int], None] = lambda _: None,
        waiting: Callable[[Backlog], None] = lambda _: None,
    ) -> Sent:
        """Send all, or what an interrupted run has `left`.

        `waiting` is called while the queue has no room. Raises QueueStoppedError, and what the
        table and the queue raise.
        """
        begun, before = (left.begun, left.sent) if left else (self._clock.now(), 0)
        sent = 0
        advance(before)
        for page in self._pages(left.next if left else None):
            sent += self._send(page, advance, waiting)
            if page.next is not None:
                self._place.write(Place(begun, page.next, before + sent))
        self._place.remove()
        return Sent(sent, before)

    def _send(
        self, page: Page, advance: Callable[[int], None], waiting: Callable[[Backlog], None]
    ) -> int:
        keys = [key for key in page.entities if key.collection is not None]
        self._wait_for_room(waiting)
        begun = self._clock.monotonic()
        self._changes.send(recompute(keys, self._clock.now(), WHY))
        advance(len(keys))
        self._keep_pace(begun, len(keys))
        return len(keys)

    def _wait_for_room(self, waiting: Callable[[Backlog], None]) -> None:
        polls = 0
        while True:
            left = self._consumer.backlog()
            if left.waiting + left.in_flight <= self._pace.most_waiting:
                return
            waiting(left)
            polls += 1
            if polls % _POLLS_A_CHECK == 0:
                self._check_on()
            self._clock.sleep(_POLL_SECONDS)

    def _check_on(self) -> None:
        if not self._consumer.is_on():
            raise QueueStoppedError(
                "the queue's mapping is off, so nothing that is sent would be applied: switch it "
                "on by `receipt-sync flags set --queue`. --resume goes on with an interrupted run"
            )

    def _keep_pace(self, begun: float, count: int) -> None:
        due = begun + count / self._pace.changes_per_second
        pause = due - self._clock.monotonic()
        if pause > 0:
            self._clock.sleep(pause)
