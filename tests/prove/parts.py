"""The parts of the proof: each runs its command, and says how many tries came to what."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from local.state import PROJECT
from tests.fuzz.targets import TARGETS
from tests.prove import pytests
from tests.prove.failures import FAILURES
from tests.prove.results import Row
from tests.simulation.planted import PLANTED

Part = Callable[[bool], list[Row]]
"""Runs in its full or, for True, its quick form."""

_PYTHON: Final = "python"
_SAME_IN_EVERY_RUN: Final = {"PYTHONHASHSEED": "0"}
_SERVICES: Final = ("table", "queue", "bucket", "server")
_SHAPES: Final = ("down", "slow", "flapping")


class PartFailedError(Exception):
    """A command of a part ended without figures."""


def rows(quick: bool) -> list[Row]:
    """The failure table, by its tests."""
    tried = pytests.run([test for tests in FAILURES.values() for test in tests])
    command = "python -m tests.prove rows"
    return [
        Row(what, tries, tries, failed, command)
        for what, tests in FAILURES.items()
        for tries, failed in [tried.of(tests)]
    ]


def simulation(quick: bool) -> list[Row]:
    """Histories from seeds."""
    histories = 500 if quick else 20_000
    command = ("-m", "tests.simulation", "--histories", str(histories), "--json")
    summary = _figures(command)
    faults = sum(summary["faults"].values())
    note = f"{summary['publishes']:,} versions opened, {len(summary['crashes'])} places crashed at"
    what = "deterministic simulation"
    return [Row(what, summary["histories"], faults, len(summary["failed"]), _said(command), note)]


def planted(quick: bool) -> list[Row]:
    """Bugs that the simulation must find; one that it does not see counts as lost."""
    names = list(PLANTED)[:3] if quick else list(PLANTED)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(_first_seed, names))
    return [
        Row(name, seed if seed is not None else 0, 1, int(seed is None), _plant(name))
        for name, seed in zip(names, found, strict=True)
    ]


def _first_seed(name: str) -> int | None:
    """The first history, counted from 1, that finds a bug."""
    code = (
        "from tests.simulation.planted import planted\n"
        "from tests.simulation.campaign import first_failure\n"
        f"with planted({name!r}):\n"
        "    found = first_failure(range(3000))\n"
        "print('null' if found is None else found.seed + 1)"
    )
    return _figures(("-c", code))  # type: ignore[no-any-return]


def _plant(name: str) -> str:
    return f"python -m tests.simulation --plant {name}"


def fuzz(quick: bool) -> list[Row]:
    """Odd bytes at every door, at random and led by coverage."""
    inputs = 500 if quick else 14_000
    runs = [(name, guided) for name in TARGETS for guided in (False, True)]
    with ThreadPoolExecutor(2) as pool:
        failed = sum(pool.map(lambda run: _broke(*run, inputs), runs))
    command = f"python -m tests.fuzz TARGET [--guided] --inputs {inputs}"
    fed = len(runs) * inputs
    return [Row("bad input", fed, fed, failed, command, f"{len(TARGETS)} targets")]


def _broke(name: str, guided: bool, inputs: int) -> bool:
    options = ("--guided",) if guided else ()
    return _run(("-m", "tests.fuzz", name, *options, "--inputs", str(inputs))).returncode != 0


def kills(quick: bool) -> list[Row]:
    """SIGKILL and SIGSTOP on the local AWS."""
    rounds = 10 if quick else 200
    command = ("-m", "tests.kills", "--rounds", str(rounds), "--seed", "1", "--json")
    found = _figures(command)
    lost = found["lost"] + len(found["broken"])
    note = f"{found['writes']:,} writes, {found['versions']:,} versions opened"
    return [Row("real kills", found["tries"], found["faults"], lost, _said(command), note)]


def outages(quick: bool) -> list[Row]:
    """Each service gone, slow and flapping."""
    cases = [(s, shape) for s in _SERVICES for shape in (_SHAPES[:1] if quick else _SHAPES)]
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(_outage, cases))


def _outage(case: tuple[str, str]) -> Row:
    command = ("-m", "tests.outages", "--service", case[0], "--shape", case[1], "--json")
    (found,) = _figures(command)
    freshness = found["alarmed"].get("Freshness", 0.0) / 1000
    note = f"{found['seconds']:g} s; worst freshness {freshness:.0f} s, all equal again after "
    note += f"{found['caught_up']} s"
    lost = max(found["lost"], int(not found["held"]))
    what = f"outage: {case[0]} {case[1]}"
    return Row(what, found["writes"], found["faults"], lost, _said(command), note)


def soak(quick: bool) -> list[Row]:
    """Load for a while; the long runs are commands of their own."""
    return [_soaked(("--rate", "50", "--seconds", "15" if quick else "120"))]


def backlog(quick: bool) -> list[Row]:
    """A long queue."""
    return [_soaked(("--backlog", "2000" if quick else "20000"))]


def _soaked(options: Sequence[str]) -> Row:
    command = ("-m", "tests.soak", *options, "--json")
    found = _figures(command)
    lost = max(found["lost"], int(not found["held"]))
    note = f"{found['rate']:g} a second; table and index agreed {found['caught_up']} s later"
    return Row(found["what"], found["done"], 0, lost, _said(command), note)


PARTS: Final[dict[str, Part]] = {
    part.__name__: part for part in (rows, simulation, planted, fuzz, kills, outages, soak, backlog)
}


def _run(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT,
        env={**os.environ, **_SAME_IN_EVERY_RUN},
        capture_output=True,
        text=True,
        check=False,
    )


def _figures(arguments: Sequence[str]) -> Any:
    """What a command says of itself; it may end with 1 if something was lost."""
    done = _run(arguments)
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise PartFailedError(
            f"`{_said(arguments)}` ended with {done.returncode}: {done.stderr[-1500:]}"
        ) from error


def _said(arguments: Sequence[str]) -> str:
    return " ".join((_PYTHON, *(argument for argument in arguments if argument != "--json")))
