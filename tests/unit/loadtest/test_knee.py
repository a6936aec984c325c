"""The search for the highest rate that holds, on a queue whose capacity is known."""

from random import Random

import pytest

from loadtest.report.knee import FACTOR, Knee, Sample

FRESHNESS = 1.0


def search(
    knee: Knee, capacity: float, most_written: float = 1e9, noise: float = 0.0, seconds: int = 600
) -> int:
    """Search on a queue that handles `capacity` changes a second. Return the seconds taken."""
    written = done = 0.0
    rate: float | None = knee.rate
    randomness = Random(1)
    for second in range(seconds):
        backlog = written - done + (rate or 0) * FRESHNESS * (1 + noise * randomness.uniform(-1, 1))
        rate = knee.next_rate(Sample(float(second), round(written), round(backlog)))
        if rate is None:
            return second
        written += min(rate, most_written)
        done = min(written, done + capacity)
    return seconds


@pytest.mark.parametrize("capacity", [35.0, 60.0, 130.0])
@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_the_knee_is_the_last_rate_that_the_queue_keeps_up_with(
    capacity: float, noise: float
) -> None:
    knee = Knee(20)
    search(knee, capacity, noise=noise)
    assert knee.verdict.held is not None
    assert capacity / FACTOR / FACTOR < knee.verdict.held <= capacity * FACTOR
    assert "backlog grew" in knee.verdict.reason


def test_a_first_rate_that_is_too_much_leaves_no_rate_that_held() -> None:
    knee = Knee(20)
    assert search(knee, capacity=10) < 40
    assert knee.verdict.held is None
    assert "at 20 changes a second the backlog grew" in knee.verdict.reason


def test_users_that_are_too_slow_end_the_search_with_what_they_reached() -> None:
    knee = Knee(20)
    search(knee, capacity=1e9, most_written=30)
    assert knee.verdict.held == pytest.approx(31.25)
    assert "users reached 30 of 39" in knee.verdict.reason


def test_without_a_knee_in_time_the_last_rate_that_held_stands() -> None:
    knee = Knee(20)
    assert search(knee, capacity=1e9, seconds=40) == 40
    assert knee.verdict.held == pytest.approx(25)
    assert "time was over" in knee.verdict.reason


def test_a_backlog_that_a_new_rate_brings_and_then_stays_is_no_growth() -> None:
    """Freshness of 5 s at 20 changes a second means a stable backlog of 100 changes."""
    knee = Knee(20)
    for second in range(15):
        settling = 20 * min(second, 5)
        assert knee.next_rate(Sample(float(second), 20 * second, settling)) == 20
    assert knee.next_rate(Sample(15.0, 300, 100)) == 25
    assert knee.verdict.held == 20


def test_a_backlog_that_goes_up_and_down_by_itself_is_no_growth() -> None:
    """At low rates, a slow cycle holds back more changes than a second brings."""
    knee = Knee(4)
    high = {9, 10, 11, 12, 13, 14, 15}
    for second in range(31):
        rate = knee.next_rate(Sample(float(second), 4 * second, 14 if second in high else 4))
        assert rate is not None
    assert knee.rate == 5
    assert knee.verdict.held == 4


def test_once_found_it_stays_found() -> None:
    knee = Knee(20)
    end = search(knee, capacity=10)
    assert knee.next_rate(Sample(end + 1.0, 0, 0)) is None
