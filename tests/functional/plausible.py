"""Checks that a benchmark's figures must pass at any size and on any machine."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from benchmarks.names import Name

Figures = Mapping[str, float]

_MAY_BE_ZERO: Final = (" backlog", " missed")
_WHOLE: Final = "step whole"
_PART_OF_ANOTHER: Final = "step …"
_LEAST_COVERED: Final = 0.6
"""The steps explain at least this share of a cycle's time."""
_ROUNDING: Final = 1.02
_LEAST_CALLS: Final = 6
"""A cycle makes at least these calls: lease, manifest, table, pack, manifest, lease."""
_MOST_CALLS: Final = 60


def implausible(name: Name, figures: Figures) -> list[str]:
    """Return a sentence for each figure that cannot be right."""
    found = [f"{key} is {value}" for key, value in figures.items() if not _is_sound(key, value)]
    check = _CHECKS.get(name)
    return [*found, *(check(figures) if check else ())]


def _is_sound(key: str, value: float) -> bool:
    least = value >= 0 if key.endswith(_MAY_BE_ZERO) else value > 0
    return math.isfinite(value) and least


def _cycle(figures: Figures) -> Iterator[str]:
    """Yield faults of the cycle: wrong growth, or as many bytes as a whole snapshot."""
    sizes = [int(key.split()[1]) for key in figures if key.endswith(" seconds")]
    first = figures[f"cycle {min(sizes)} seconds"]
    for size in sizes:
        growth = figures[f"cycle {size} seconds"] / first
        if not math.isclose(growth, figures[f"cycle {size} growth"], rel_tol=0.01):
            yield f"the growth at {size} is not {growth}"
        if figures[f"cycle {size} bytes naive/ours"] <= 1:
            yield f"at {size} a cycle publishes as much as a whole snapshot"


def _steps(figures: Figures) -> Iterator[str]:
    """Yield a fault if the steps, which run in sequence, do not add up to the whole."""
    whole = figures[_WHOLE]
    single = {
        key: value
        for key, value in figures.items()
        if key != _WHOLE and not key.startswith(_PART_OF_ANOTHER)
    }
    share = sum(single.values()) / whole
    if not _LEAST_COVERED <= share <= _ROUNDING:
        yield f"the steps take {share:.2f} of the whole"


def _calls(figures: Figures) -> Iterator[str]:
    """Yield faults of the calls. A changed text costs more, because its neighbours are read."""
    if not _LEAST_CALLS <= figures["calls scattered"] <= _MOST_CALLS:
        yield f"{figures['calls scattered']} calls"
    if (
        figures["usd per million, scattered, a text"]
        <= figures["usd per million, scattered, a field"]
    ):
        yield "a changed text costs no more than a changed field"


def _apply_rate(figures: Figures) -> Iterator[str]:
    if figures["apply rate to the limit"] >= 1:
        yield "changes are applied faster than Chroma can update records"


def _search(figures: Figures) -> Iterator[str]:
    for key, value in figures.items():
        if key.endswith(" recall") and value > 1:
            yield f"{key} is {value}, but a search finds no more than all"


_CHECKS: Final[Mapping[Name, Callable[[Figures], Iterator[str]]]] = {
    Name.CYCLE: _cycle,
    Name.STEPS: _steps,
    Name.CALLS: _calls,
    Name.APPLY_RATE: _apply_rate,
    Name.SEARCH: _search,
}
