"""The rate over time. The knee's is decided as it goes, see `knee`."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from loadtest.options import Shape

Profile: TypeAlias = Callable[[float], float]
"""A share of the run's time to a share of its rate, both from 0 to 1."""

_SPIKE_BASE: Final = 0.2


def _steady(_: float) -> float:
    return 1.0


def _ramp(done: float) -> float:
    """From a tenth to the whole over nine tenths of the time, which leaves one to hold it."""
    return min(1.0, 0.1 + done)


def _spike(done: float) -> float:
    """The whole rate in the middle fifth, a fifth of it before and after."""
    return 1.0 if 0.4 <= done < 0.6 else _SPIKE_BASE


PROFILES: Final[Mapping[Shape, Profile]] = {
    Shape.STEADY: _steady,
    Shape.RAMP: _ramp,
    Shape.SPIKE: _spike,
    Shape.SOAK: _steady,
}


def rate_at(shape: Shape, rate: float, duration: float, elapsed: float) -> float | None:
    """Changes a second after `elapsed` seconds; None once the run is over."""
    if elapsed >= duration:
        return None
    return rate * PROFILES[shape](elapsed / duration)
