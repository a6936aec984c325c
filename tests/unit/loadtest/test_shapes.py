"""The rate over time."""

import pytest

from loadtest.options import Shape
from loadtest.writers.shapes import PROFILES, rate_at

FIXED = sorted(PROFILES)


def course(shape: Shape, points: int = 100) -> list[float]:
    rates = [rate_at(shape, 100, 50, 50 * point / points) for point in range(points)]
    assert None not in rates
    return [rate for rate in rates if rate is not None]


@pytest.mark.parametrize("shape", FIXED)
def test_a_shape_reaches_its_rate_never_exceeds_it_and_ends(shape: Shape) -> None:
    rates = course(shape)
    assert max(rates) == 100
    assert min(rates) > 0
    assert rate_at(shape, 100, 50, 50) is None
    assert rate_at(shape, 100, 50, 51) is None


@pytest.mark.parametrize("shape", [Shape.STEADY, Shape.SOAK])
def test_steady_and_soak_hold_the_rate(shape: Shape) -> None:
    assert set(course(shape)) == {100.0}


def test_a_ramp_rises_all_the_way_and_holds_the_end() -> None:
    rates = course(Shape.RAMP)
    assert rates == sorted(rates)
    assert rates[0] == pytest.approx(10)
    assert rates[-10:] == [100.0] * 10


def test_a_spike_is_short_and_goes_back() -> None:
    rates = course(Shape.SPIKE)
    assert rates.count(100.0) == 20
    assert rates[0] == rates[-1] == 20.0
