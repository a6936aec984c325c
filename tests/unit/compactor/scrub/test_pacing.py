"""The size of a slice: by the interval, and by the time that cycles take."""

from datetime import UTC, datetime, timedelta

import pytest

from compactor.scrub.pacing import LEAST_STEPS, MOST_STEPS, SHARE, TimeShare, steps_due
from receipt_index.snapshot.format.scrub_state import ScrubState, Tally

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def state(steps: int, begun: datetime = NOW, at: datetime = NOW) -> ScrubState:
    last = Tally(begun=begun - DAY, steps=steps, completed=begun)
    return ScrubState(at=at, present=Tally(begun=begun), last=last)


def test_a_round_takes_half_the_interval() -> None:
    assert steps_due(state(steps=86_400), NOW + timedelta(seconds=100), DAY) == 200
    assert steps_due(state(steps=86_400), NOW, DAY) == 0


def test_the_first_round_and_a_late_round_have_the_largest_slices() -> None:
    first = ScrubState(at=NOW, present=Tally(begun=NOW))
    assert steps_due(first, NOW, DAY) == MOST_STEPS
    late = NOW + timedelta(hours=12, seconds=1)
    assert steps_due(state(steps=100, at=late), late, DAY) == MOST_STEPS


def test_no_slice_is_larger_than_the_limit() -> None:
    assert steps_due(state(steps=10**9), NOW + timedelta(hours=1), DAY) == MOST_STEPS


def test_a_clock_that_went_back_makes_nothing_due() -> None:
    assert steps_due(state(steps=86_400, at=NOW + DAY), NOW, DAY) == 0


def test_slices_take_at_most_a_tenth_of_the_cycles_time() -> None:
    share, scrubbed, total = TimeShare(), 0.0, 0.0
    for _ in range(1_000):
        seconds = 0.3
        if share.steps:
            slice_ = share.steps * 0.002
            share.spend(slice_, share.steps)
            scrubbed += slice_
            seconds += slice_
        share.earn(seconds)
        total += seconds
    assert 0.5 * SHARE < scrubbed / total <= SHARE


def test_a_slice_waits_until_there_is_time_for_the_least_one() -> None:
    share = TimeShare()
    assert share.steps == 0
    share.earn(0.5)  # Time for 50 steps of a millisecond.
    assert share.steps == 0
    share.earn(0.5)
    assert share.steps == pytest.approx(LEAST_STEPS)


def test_a_long_pause_without_slices_saves_up_no_large_one() -> None:
    share = TimeShare()
    for _ in range(100):
        share.earn(100.0)
    assert share.steps == 1_000  # One second.
