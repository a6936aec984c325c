"""The parts of the proof that run simulated histories."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tests.reliability.report.parts.commands import figures, said
from tests.reliability.report.parts.part import LONG_RUNS, PLANTED_BUGS, Part
from tests.reliability.report.results import Row
from tests.reliability.simulation.faults import planted

MINUTES: Final = "MINUTES"
"""The variable with the minutes for the million histories. The default is 60."""
_MILLION: Final = 1_000_000
_PATIENCE: Final = 3_000
"""Number of histories after which a planted bug counts as not found."""
_TESTS: Final = ("tests/reliability/simulation",)


def _simulation(quick: bool) -> list[Row]:
    """Run one history for each seed."""
    return [simulated(500 if quick else 10_000)]


def simulated(histories: int) -> Row:
    """Run a number of histories, and return their row."""
    command = ("-m", "tests.reliability.simulation", "--histories", str(histories), "--json")
    found = figures(command)
    note = f"{found['publishes']:,} versions opened, {len(found['crashes'])} places crashed at"
    faults, failed = sum(found["faults"].values()), len(found["failed"])
    what = "deterministic simulation"
    return Row(what, found["histories"], faults, failed, said(command), note)


def _planted(quick: bool) -> list[Row]:
    """Plant bugs that the simulation must find. A bug that it does not find counts as lost."""
    names = list(planted.PLANTED)[:3] if quick else list(planted.PLANTED)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(_first_seed, names))
    return [
        Row(name, seed or _PATIENCE, 1, int(seed is None), _plant(name))
        for name, seed in zip(names, found, strict=True)
    ]


def _first_seed(name: str) -> int | None:
    """Return the number of the first history that finds a bug, counted from 1."""
    code = (
        "from tests.reliability.simulation.faults.planted import PLANTED, planted\n"
        "from tests.reliability.simulation.campaign import first_failure\n"
        f"with planted({name!r}):\n"
        f"    found = first_failure(range({_PATIENCE}), PLANTED[{name!r}].check)\n"
        "print('null' if found is None else found.seed + 1)"
    )
    seed: int | None = figures(("-c", code))
    return seed


def _plant(name: str) -> str:
    return f"python -m tests.reliability.simulation --plant {name}"


def _million(quick: bool) -> list[Row]:
    """Continue the last run of this code, up to a million histories, for $MINUTES."""
    minutes = "1" if quick else os.environ.get(MINUTES, "60")
    state = f"build/simulation-{MILLION.code}.json"
    command = (
        "-m", "tests.reliability.simulation", "--histories", str(_MILLION), "--state", state,
    )  # fmt: skip
    found = figures((*command, "--minutes", minutes, "--json"))
    note = f"of {_MILLION:,}; {found['publishes']:,} versions opened"
    faults, failed = sum(found["faults"].values()), len(found["failed"])
    return [Row("histories so far", found["histories"], faults, failed, said(command), note)]


SIMULATION: Final = Part("simulation", _simulation, _TESTS, ("deterministic simulation",))
PLANTED: Final = Part("planted", _planted, _TESTS, tuple(planted.PLANTED), PLANTED_BUGS)
MILLION: Final = Part("million", _million, _TESTS, ("histories so far",), LONG_RUNS)
