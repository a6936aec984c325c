"""The rate over time for each shape. For the knee, see `loadtest.report.knee`."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from loadtest.options import Shape

Profile: TypeAlias = Callable[[float], float]
"""Maps the share of the run's time that is over to a share of its rate, both from 0 to 1."""

_SPIKE_BASE: Final = 0.2


def _steady(_: float) -> float:
    return 1.0


def _ramp(done: float) -> float:
    """Rise from a tenth to the whole rate in nine tenths of the time, then hold it."""
    return min(1.0, 0.1 + done)


def _spike(done: float) -> float:
    """Return the whole rate in the middle fifth of the time, a fifth of it before and after."""
    return 1.0 if 0.4 <= done < 0.6 else _SPIKE_BASE


PROFILES: Final[Mapping[Shape, Profile]] = {
    Shape.STEADY: _steady,
    Shape.RAMP: _ramp,
    Shape.SPIKE: _spike,
    Shape.SOAK: _steady,
}


def rate_at(shape: Shape, rate: float, duration: float, elapsed: float) -> float | None:
    """Return the changes a second after `elapsed` seconds. None: the run is over."""
    if elapsed >= duration:
        return None
    return rate * PROFILES[shape](elapsed / duration)
