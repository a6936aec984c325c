"""The parts of the proof: each runs its command, and says how many tries came to what."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tests.fuzz.targets import TARGETS
from tests.prove.commands import figures, run, said
from tests.prove.results import Row
from tests.prove.tested import compatibility, odd_data, rows, security
from tests.simulation.planted import PLANTED

Part = Callable[[bool], list[Row]]
"""Runs in its full or, for True, its quick form."""

_SERVICES: Final = ("table", "queue", "bucket", "server")
_SHAPES: Final = ("down", "slow", "flapping")
_OUTAGES_AT_ONCE: Final = 3
"""They spend their time waiting for visibility timeouts, each on a local AWS of its own."""
_MILLION: Final = 1_000_000
MINUTES: Final = "MINUTES"
"""The variable that says for how many minutes the million histories go on; for 60 without it."""


def simulation(quick: bool) -> list[Row]:
    """Histories from seeds."""
    histories = 500 if quick else 10_000
    command = ("-m", "tests.simulation", "--histories", str(histories), "--json")
    summary = figures(command)
    faults = sum(summary["faults"].values())
    note = f"{summary['publishes']:,} versions opened, {len(summary['crashes'])} places crashed at"
    what = "deterministic simulation"
    return [Row(what, summary["histories"], faults, len(summary["failed"]), said(command), note)]


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
    return figures(("-c", code))  # type: ignore[no-any-return]


def _plant(name: str) -> str:
    return f"python -m tests.simulation --plant {name}"


def fuzz(quick: bool) -> list[Row]:
    """Odd bytes at every door, at random and led by coverage."""
    inputs = 500 if quick else 14_000
    runs = [(name, guided) for name in TARGETS for guided in (False, True)]
    with ThreadPoolExecutor(2) as pool:
        broken = [what for what in pool.map(lambda each: _broken(*each, inputs), runs) if what]
    command = f"python -m tests.fuzz TARGET [--guided] --inputs {inputs}"
    fed, note = len(runs) * inputs, f"{len(TARGETS)} targets"
    if broken:
        note += f"; broken: {', '.join(broken)}"
    return [Row("bad input", fed, fed, len(broken), command, note)]


def _broken(name: str, guided: bool, inputs: int) -> str | None:
    """What one would type to see it break; None if the contract held."""
    shown = (name, "--guided") if guided else (name,)
    done = run(("-m", "tests.fuzz", *shown, "--inputs", str(inputs)))
    return " ".join(shown) if done.returncode != 0 else None


def kills(quick: bool) -> list[Row]:
    """SIGKILL and SIGSTOP on the local AWS: two campaigns side by side, for each waits a lot."""
    rounds = 5 if quick else 100
    options = ("-m", "tests.kills", "--rounds", str(rounds), "--json", "--seed")
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda seed: figures((*options, seed)), ("1", "2")))
    total = {
        name: sum(one[name] for one in found)
        for name in ("tries", "faults", "lost", "writes", "versions")
    }
    lost = total["lost"] + sum(len(one["broken"]) for one in found)
    note = f"{total['writes']:,} writes, {total['versions']:,} versions opened; seeds 1 and 2"
    return [Row("real kills", total["tries"], total["faults"], lost, said((*options, "1")), note)]


def outages(quick: bool) -> list[Row]:
    """Each service gone, slow and flapping."""
    cases = [(s, shape) for s in _SERVICES for shape in (_SHAPES[:1] if quick else _SHAPES)]
    with ThreadPoolExecutor(_OUTAGES_AT_ONCE) as pool:
        return list(pool.map(_outage, cases))


def _outage(case: tuple[str, str]) -> Row:
    command = ("-m", "tests.outages", "--service", case[0], "--shape", case[1], "--json")
    (found,) = figures(command)
    freshness = found["alarmed"].get("Freshness", 0.0) / 1000
    note = f"{found['seconds']:g} s; worst freshness {freshness:.0f} s, all equal again after "
    note += f"{found['caught_up']} s"
    lost = max(found["lost"], int(not found["held"]))
    what = f"outage: {case[0]} {case[1]}"
    return Row(what, found["writes"], found["faults"], lost, said(command), note)


def soak(quick: bool) -> list[Row]:
    """Load for a while; the long runs are commands of their own."""
    return [_soaked(("--rate", "50", "--seconds", "15" if quick else "120"))]


def backlog(quick: bool) -> list[Row]:
    """A long queue."""
    return [_soaked(("--backlog", "2000" if quick else "20000"))]


def _soaked(options: Sequence[str]) -> Row:
    command = ("-m", "tests.soak", *options, "--json")
    found = figures(command)
    lost = max(found["lost"], int(not found["held"]))
    note = f"{found['rate']:g} a second; table and index agreed {found['caught_up']} s later"
    if sample := found["samples"].get("memory of compactor"):
        mib = " → ".join(f"{value / 2**20:.0f}" for value in sample["quarters"])
        note += f"; the worker's memory by quarter {mib} MiB"
    return Row(found["what"], found["done"], 0, lost, said(command), note)


def ten_minutes(quick: bool) -> list[Row]:
    """300 changes a second."""
    return [_soaked(("--rate", "300", "--seconds", "15" if quick else "600"))]


def half_an_hour(quick: bool) -> list[Row]:
    """50 changes a second."""
    return [_soaked(("--rate", "50", "--seconds", "15" if quick else "1800"))]


def million(quick: bool) -> list[Row]:
    """Histories up to a million, going on where the last run ended, for $MINUTES."""
    minutes = "1" if quick else os.environ.get(MINUTES, "60")
    command = ("-m", "tests.simulation", "--histories", str(_MILLION))
    command += ("--state", "build/simulation.json")
    found = figures((*command, "--minutes", minutes, "--json"))
    faults = sum(found["faults"].values())
    note = f"of {_MILLION:,}; {found['publishes']:,} versions opened"
    return [
        Row(
            "histories so far",
            found["histories"],
            faults,
            len(found["failed"]),
            said(command),
            note,
        )
    ]


PARTS: Final[dict[str, Part]] = {
    part.__name__: part
    for part in (
        rows, odd_data, security, compatibility,
        simulation, planted, fuzz, kills, outages, soak, backlog,
    )
}  # fmt: skip
"""What `make prove` runs."""
LONG: Final[dict[str, Part]] = {
    part.__name__: part for part in (ten_minutes, half_an_hour, million)
}
"""What is run only if it is asked for."""
