"""The parts of the proof that load the system for a long time."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from tests.reliability.report.parts.commands import figures, said
from tests.reliability.report.parts.part import LONG_RUNS, Part
from tests.reliability.report.results import Row

_TESTS: Final = (
    "tests/reliability/soak",
    "tests/reliability/outages",
    "tests/support/oracle",
    "tests/reliability/simulation/checks/model.py",
)
"""The outages' operator writes the changes. The model of the simulation checks the records."""
_MIB: Final = 2**20


def _soaked(options: Sequence[str], quick_options: Sequence[str], quick: bool) -> list[Row]:
    command = ("-m", "tests.reliability.soak", *(quick_options if quick else options), "--json")
    found = figures(command)
    broken = int(not found["held"] and not found["lost"])
    note = f"{found['rate']:g} a second; table and index agreed {found['caught_up']} s later"
    if sample := found["samples"].get("memory of compactor"):
        note += f"; {_memory(sample)}"
    return [Row(found["what"], found["done"], 0, found["lost"], said(command), note, broken)]


def _memory(sample: dict[str, Any]) -> str:
    """Return a note: the memory of one process, and its growth after the warm-up."""
    mib = " → ".join(f"{value / _MIB:.0f}" for value in sample["quarters"])
    growth = "not known" if sample["growth"] is None else f"{sample['growth'] / _MIB:+.0f} MiB"
    return f"a worker's memory by quarter {mib} MiB, growth {growth}"


def _steady(name: str, rate: int, seconds: int, place: str) -> Part:
    options = ("--rate", str(rate), "--seconds", str(seconds))
    run = partial(_soaked, options, ("--rate", str(rate), "--seconds", "15"))
    return Part(name, run, _TESTS, (f"{rate} changes a second for {seconds} s",), place)


SOAK: Final = _steady("soak", 50, 120, "results")
TEN_MINUTES: Final = _steady("ten_minutes", 300, 600, LONG_RUNS)
HALF_AN_HOUR: Final = _steady("half_an_hour", 50, 1_800, LONG_RUNS)
BACKLOG: Final = Part(
    "backlog",
    partial(_soaked, ("--backlog", "20000"), ("--backlog", "2000")),
    _TESTS,
    ("a backlog of 20,000 messages",),
)
