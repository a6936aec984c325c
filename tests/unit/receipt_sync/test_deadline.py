"""How long an invocation may still take."""

import pytest

from receipt_sync.deadline import Deadline
from receipt_sync.errors import DeadlineNearError, TransientError
from tests.support.fakes.clock import ManualClock


def test_what_is_left_shrinks_and_goes_below_zero() -> None:
    clock = ManualClock()
    deadline = Deadline(clock, 10)
    clock.advance(4)
    assert deadline.remaining() == 6
    clock.advance(7)
    assert deadline.remaining() == -1


def test_a_step_that_fits_to_the_last_moment_may_begin() -> None:
    Deadline(ManualClock(), 10).check("publish", 10)


def test_a_step_that_needs_more_than_what_is_left_may_not_and_is_named() -> None:
    with pytest.raises(DeadlineNearError, match="no time left to publish"):
        Deadline(ManualClock(), 10).check("publish", 10.01)


def test_after_the_deadline_nothing_may_begin() -> None:
    clock = ManualClock()
    deadline = Deadline(clock, 1)
    clock.advance(1.5)
    with pytest.raises(DeadlineNearError):
        deadline.check("publish")


def test_it_sleeps_inside_the_deadline_and_never_beyond() -> None:
    clock = ManualClock()
    deadline = Deadline(clock, 10)
    deadline.sleep(6, "send again")
    assert clock.elapsed == 6
    with pytest.raises(DeadlineNearError):
        deadline.sleep(6, "send again")
    assert clock.elapsed == 6


def test_a_near_deadline_may_be_tried_again() -> None:
    assert issubclass(DeadlineNearError, TransientError)
