"""Reduces a history that breaks a promise to the smallest history that still breaks it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from tests.reliability.simulation.history import Outcome, run
from tests.reliability.simulation.workload.script import Event, Script

_TRIES: Final = 400
CALM: Final[dict[str, Any]] = {
    "doubled": 0.0, "delayed": 0.0, "cold": 0.0, "skew": 0.0, "workers": 1,
    "max_packs": 200, "rebase_floor": 64 * 2**20, "keys_a_read": 100, "query_page": 100,
    "records_a_slice": 10_000,
}  # fmt: skip
"""Conditions without special conditions."""

T = TypeVar("T")


class Smallest(NamedTuple):
    """A script that cannot be reduced further, its outcome, and the conditions made calm."""

    script: Script
    outcome: Outcome
    calm: tuple[str, ...]


def calmed(script: Script, names: Sequence[str]) -> Script:
    """Return the same history with some of its conditions calm."""
    changes = {name: CALM[name] for name in names}
    return replace(script, conditions=replace(script.conditions, **changes))


def kept(script: Script, events: Sequence[str], faults: Sequence[str]) -> Script:
    """Return the same history with only the named events and faults."""
    chosen = tuple(event for event in script.events if event.name in events)
    return replace(script, events=chosen, kept_faults=frozenset(faults))


class Shrinker:
    """Removes events, faults and special conditions, greedily, while the history still fails."""

    def __init__(self, parent: Path) -> None:
        self._parent = parent
        self._tries = 0

    def shrink(self, script: Script) -> Smallest:
        """Return the smallest failing script. Raises ValueError if the history does not fail."""
        outcome = run(script, self._parent)
        if outcome.violation is None:
            raise ValueError(f"the history of seed {script.seed} breaks no promise")
        calm: list[str] = []
        for name in CALM:
            if self._fails(calmed(script, [*calm, name])):
                calm.append(name)
        script = calmed(script, calm)
        names = [one.fault.name for one in run(script, self._parent).injected]
        events: list[Event] = list(script.events)
        for _ in range(2):
            events = self._fewer(events, partial(self._with, script, faults=names))
            names = self._fewer(names, partial(self._with, script, events))
        smallest = self._with(script, events, names)
        return Smallest(smallest, run(smallest, self._parent), tuple(calm))

    def _with(self, script: Script, events: Sequence[Event], faults: Sequence[str]) -> Script:
        return replace(script, events=tuple(events), kept_faults=frozenset(faults))

    def _fewer(self, items: list[T], script_of: Callable[[list[T]], Script]) -> list[T]:
        size = max(1, len(items) // 2)
        while size:
            start = 0
            while start < len(items):
                fewer = items[:start] + items[start + size :]
                if self._fails(script_of(fewer)):
                    items = fewer
                else:
                    start += size
            size //= 2
        return items

    def _fails(self, script: Script) -> bool:
        self._tries += 1
        return self._tries <= _TRIES and run(script, self._parent).violation is not None
