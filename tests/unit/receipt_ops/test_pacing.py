"""The times at which the changes of a load are due."""

from itertools import repeat
from random import Random

import pytest

from receipt_ops.pacing import Pacing, at_random, steadily


def pacing(rate: float = 5.0) -> Pacing:
    return Pacing(at_random(lambda: rate, Random(1)), 0.0)


def course(pacing: Pacing, users: int, changes: list[int], seconds: float = 0.0) -> float:
    """Return when the last of these actions is due. Each occupies one user for `seconds`."""
    due = [pacing.wait(1, 0.0) for _ in range(users)]
    for number in changes:
        user = due.index(min(due))
        end = due[user] + seconds
        due[user] = end + pacing.wait(number, end)
    return max(due)


@pytest.mark.parametrize("users", [1, 20])
def test_in_the_long_run_the_rate_is_kept(users: int) -> None:
    assert course(pacing(), users, [1] * 5_000) == pytest.approx(1_000, rel=0.05)


def test_actions_that_take_time_do_not_lower_the_rate() -> None:
    assert course(pacing(), 1, [1] * 5_000, seconds=0.1) == pytest.approx(1_000, rel=0.05)


def test_an_action_of_several_changes_takes_the_place_of_several() -> None:
    assert course(pacing(), 20, [10] * 500) == pytest.approx(1_000, rel=0.1)


def test_a_large_action_puts_off_all_users_and_not_its_own_alone() -> None:
    few = pacing(100.0)
    begun = [few.wait(1, 0.0) for _ in range(10)]
    few.wait(1_000, begun[0])
    assert few.wait(1, begun[1]) == pytest.approx(10, rel=0.2)


def test_the_rate_of_the_moment_counts() -> None:
    rates = iter([*repeat(10.0, 1_000), *repeat(100.0, 1_000)])
    moments = Pacing(at_random(lambda: next(rates), Random(1)), 0.0)
    slow = moments.wait(1_000, 0.0)
    assert slow == pytest.approx(100, rel=0.1)
    assert moments.wait(1_000, slow) == pytest.approx(10, rel=0.1)


def test_an_action_that_counts_as_none_takes_no_place() -> None:
    one = pacing()
    due = one.wait(1, 0.0)
    assert due > 0
    assert one.wait(0, due) == 0.0


def test_users_do_not_begin_together() -> None:
    one = pacing(50.0)
    begins = [one.wait(1, 0.0) for _ in range(50)]
    assert len(set(begins)) == 50
    assert max(begins) == pytest.approx(1, rel=0.3)


def test_a_late_writer_takes_all_changes_that_are_due_but_not_more_than_it_can_make() -> None:
    steady = Pacing(steadily(10.0), 5.0)
    assert steady.take(9, 5.0) == 1, "the first change is due at once"
    assert steady.take(9, 5.05) == 0
    assert steady.take(3, 5.95) == 3
    assert steady.take(99, 5.95) == 6
    assert steady.wait(0, 5.95) == pytest.approx(0.05)
