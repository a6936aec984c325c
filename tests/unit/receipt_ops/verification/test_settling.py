"""Waiting for the backlog: when it is over, and when patience is."""

from collections.abc import Iterator
from typing import Any

import pytest

from receipt_ops.verification.settling import Backlog, settle
from receipt_ops.verification.sqs_backlog import queue_backlog
from receipt_ops.verification.verdict import CollectionCounts, Finding, Verdict
from receipt_sync.keys import Collection
from tests.support.fakes.clock import ManualClock

EMPTY, BUSY = Backlog(0, 0), Backlog(3, 1)


def verdict(different: int, seconds: float = 0.0) -> Verdict:
    counts = CollectionCounts()
    counts.findings[Finding.DIFFERENT] = different
    return Verdict({Collection.LINES: counts}, [], seconds)


class Course:
    """Backlogs and verdicts in turn; the last of each repeats."""

    def __init__(self, backlogs: list[Backlog], verdicts: list[Verdict]) -> None:
        self.clock = ManualClock()
        self.verifications = 0
        self._backlogs, self._verdicts = _lasting(backlogs), _lasting(verdicts)
        self.seen: list[tuple[Backlog, float]] = []

    def verify(self) -> Verdict:
        self.verifications += 1
        found: Verdict = next(self._verdicts)
        self.clock.advance(found.seconds)
        return found

    def settle(self, seconds: float) -> tuple[Verdict, bool]:
        return settle(
            self.verify,
            lambda: next(self._backlogs),
            self.clock,
            seconds,
            lambda left, time: self.seen.append((left, time)),
        )


def _lasting(values: list[Any]) -> Iterator[Any]:
    yield from values
    while True:
        yield values[-1]


def test_an_empty_queue_and_no_difference_is_settled_at_once() -> None:
    course = Course([EMPTY], [verdict(0)])
    found, settled = course.settle(10)
    assert (found.is_equal, settled, course.verifications, course.clock.elapsed) == (
        True,
        True,
        1,
        0,
    )


def test_a_busy_queue_is_waited_for_without_verifying() -> None:
    course = Course([BUSY, BUSY, BUSY, EMPTY], [verdict(0)])
    _, settled = course.settle(10)
    assert settled
    assert course.verifications == 1
    assert course.clock.elapsed == 1.5


def test_messages_in_flight_count_as_backlog() -> None:
    course = Course([Backlog(0, 1), EMPTY], [verdict(0)])
    course.settle(10)
    assert course.verifications == 1
    assert course.clock.elapsed > 0


def test_a_difference_that_the_stream_still_holds_is_waited_for() -> None:
    course = Course([EMPTY], [verdict(2), verdict(1), verdict(0)])
    found, settled = course.settle(60)
    assert (found.faults, settled, course.verifications) == (0, True, 3)


def test_when_time_is_up_the_last_verdict_stands() -> None:
    course = Course([EMPTY], [verdict(1)])
    found, settled = course.settle(5)
    assert (found.faults, settled) == (1, False)
    assert 5 <= course.clock.elapsed <= 6


def test_a_queue_that_never_empties_is_verified_in_the_end_all_the_same() -> None:
    course = Course([BUSY], [verdict(0)])
    found, settled = course.settle(5)
    assert (found.is_equal, settled, course.verifications) == (True, True, 1)


def test_a_queue_that_others_keep_busy_is_not_waited_for_until_the_time_is_up() -> None:
    """Another producer's message is always in flight, and nothing differs (defect `settle`)."""
    course = Course([Backlog(0, 1)], [verdict(0)])
    found, settled = course.settle(300)
    assert (found.is_equal, settled, course.verifications) == (True, True, 1)
    assert course.clock.elapsed < 15


def test_a_queue_that_becomes_shorter_is_waited_for() -> None:
    course = Course([Backlog(100 - n, 0) for n in range(100)] + [EMPTY], [verdict(0)])
    course.settle(300)
    assert course.verifications == 1
    assert course.clock.elapsed == 50


def test_long_verifications_are_not_repeated_without_a_pause() -> None:
    course = Course([EMPTY], [verdict(1, seconds=10)])
    course.settle(100)
    assert course.verifications <= 6


@pytest.mark.parametrize("look", [0.0, 0.3, 3.0, 9.9, 10.0, 12.0, 60.0])
@pytest.mark.parametrize("backlog", [EMPTY, BUSY])
def test_the_wait_takes_at_most_its_time_and_one_look(look: float, backlog: Backlog) -> None:
    """A look that began in time and ended late was repeated: 22 s for --wait 10."""
    course = Course([backlog], [verdict(1, seconds=look)])
    found, settled = course.settle(10)
    assert (found.faults, settled) == (1, False)
    assert 10 <= course.clock.elapsed <= 10 + look


def test_the_backlog_that_is_left_is_reported() -> None:
    course = Course([BUSY, EMPTY], [verdict(0)])
    course.settle(10)
    assert course.seen == [(BUSY, 10), (EMPTY, 9.5)]
    assert str(BUSY) == "3 messages wait, 1 are in flight"


def test_delayed_messages_wait_too() -> None:
    class Queue:
        def get_queue_attributes(self, **_: Any) -> Any:
            return {
                "Attributes": {
                    "ApproximateNumberOfMessages": "2",
                    "ApproximateNumberOfMessagesDelayed": "3",
                    "ApproximateNumberOfMessagesNotVisible": "4",
                }
            }

    assert queue_backlog(Queue(), "https://sqs/queue") == Backlog(5, 4)  # type: ignore[arg-type]
