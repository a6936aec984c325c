"""The names of the benchmarks."""

from enum import StrEnum


class Name(StrEnum):
    """The benchmarks in the order in which they run. Each is a module of benchmarks.cases."""

    CYCLE = "cycle"
    STEPS = "steps"
    APPLY_RATE = "apply_rate"
    STREAM = "stream"
    COLD = "cold"
    FRESHNESS = "freshness"
    CALLS = "calls"
    SEARCH = "search"
