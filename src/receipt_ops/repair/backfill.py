"""The backfill: sends every line and word of the table through the queue, page by page.

A stream holds only the writes since it was switched on, and only those of the last day. The
backfill brings older items to Chroma. A place file records where the next page begins, so a later
run can resume.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from receipt_ops.errors import OperationError
from receipt_ops.repair.changes import ChangeSink, recompute
from receipt_ops.repair.place import Place, PlaceFile
from receipt_ops.table_pages import Page, Position
from receipt_ops.verification.settling import Backlog
from receipt_sync.clock import Clock

WHY: Final = "backfill"
_POLL_SECONDS: Final = 1.0
_POLLS_A_CHECK: Final = 10


class QueueStoppedError(OperationError):
    """The event source mapping of the queue is off, so the backlog would never shrink."""


class Pages(Protocol):
    """A reader of the table's keys."""

    def __call__(self, start: Position | None) -> Iterator[Page]:
        """Yield the pages from a position on, or all pages for None."""
        ...


@dataclass(frozen=True)
class Pace:
    """Limits the changes per second, and the messages in the queue before the next page."""

    changes_per_second: float
    most_waiting: int


class Sent(NamedTuple):
    """Counts the records that this run has sent, and those of the interrupted run before it."""

    now: int
    before: int


class Consumer(Protocol):
    """The consumer of the queue."""

    def backlog(self) -> Backlog: ...

    def is_on(self) -> bool:
        """Return whether the event source mapping is on."""
        ...


class Backfill:
    """Sends page after page, at a rate that the compactor can follow."""

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
        """Return the place to resume from; None to start from the beginning.

        A file that is not a place of this table raises PlaceError with and without `resume`, so
        that it is not overwritten. Raises QueueStoppedError too, and OSError if the place cannot be
        written.
        """
        self._check_on()
        left = self._place.resumed(self._clock.now()) if resume else None
        if left is None:
            self._place.read()
        self._place.check_writable()
        return left

    def run(
        self,
        left: Place | None = None,
        advance: Callable[[int], None] = lambda _: None,
        waiting: Callable[[Backlog], None] = lambda _: None,
    ) -> Sent:
        """Send all pages, or those that an interrupted run has `left`.

        A run from the beginning first deletes the place of an older run. Otherwise, an interruption
        before the first page would leave it, and --resume would skip the pages before it.
        The function calls `waiting` while too many messages are in the queue. Raises
        QueueStoppedError, and the errors of the table and the queue.
        """
        if left is None:
            self._place.remove()
        begun, before = (left.begun, left.sent) if left else (self._clock.now(), 0)
        sent = 0
        advance(before)
        for page in self._pages(left.next if left else None):
            sent += self._send(page, advance, waiting)
            if page.next is not None:
                self._place.write(Place(begun, page.next, before + sent))
        self._place.remove()
        if not self._consumer.is_on():
            raise QueueStoppedError(
                "every record was sent, but the event source mapping of the compaction queue is "
                "off, so nothing applies the changes: switch it on with `receipt-sync flags set "
                "--queue`. Another backfill is not needed"
            )
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
                "the event source mapping of the compaction queue is off, so the compactor would "
                "not apply any change: switch it on with `receipt-sync flags set --queue`. "
                "Continue an interrupted run with --resume"
            )

    def _keep_pace(self, begun: float, count: int) -> None:
        due = begun + count / self._pace.changes_per_second
        pause = due - self._clock.monotonic()
        if pause > 0:
            self._clock.sleep(pause)
