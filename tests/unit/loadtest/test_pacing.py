"""When users act."""

from random import Random

import pytest

from loadtest.pacing import Pacing


def course(pacing: Pacing, acts: int, changes: int = 1, seconds: float = 0.0) -> list[float]:
    """The moments of so many acts, each of which takes `seconds`."""
    now = pacing.wait(0, 0.0)
    moments = []
    for _ in range(acts):
        moments.append(now)
        now += seconds
        now += pacing.wait(changes, now)
    return moments


def test_in_the_long_run_the_rate_is_kept() -> None:
    moments = course(Pacing(5.0, Random(1), 0.0), 5_000)
    assert moments[-1] == pytest.approx(1_000, rel=0.05)


def test_acts_that_take_time_do_not_lower_the_rate() -> None:
    moments = course(Pacing(5.0, Random(1), 0.0), 5_000, seconds=0.1)
    assert moments[-1] == pytest.approx(1_000, rel=0.05)


def test_an_act_of_several_changes_takes_the_place_of_several() -> None:
    moments = course(Pacing(5.0, Random(1), 0.0), 500, changes=10)
    assert moments[-1] == pytest.approx(1_000, rel=0.1)


def test_an_act_that_counts_as_none_takes_no_place() -> None:
    pacing = Pacing(5.0, Random(1), 0.0)
    due = pacing.wait(0, 0.0)
    assert due > 0
    assert pacing.wait(0, due) == 0.0


def test_users_do_not_begin_together() -> None:
    begins = [Pacing(1.0, Random(f"1 {number}"), 0.0).wait(0, 0.0) for number in range(50)]
    assert len(set(begins)) == 50
    assert max(begins) - min(begins) > 1
