"""The parts of the proof that kill processes and take services away."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from tests.prove.commands import figures, said
from tests.prove.part import Part
from tests.prove.results import Row

_SERVICES: Final = ("table", "queue", "bucket", "server")
_SHAPES: Final = ("down", "slow", "flapping")
_OUTAGES_AT_ONCE: Final = 3
"""They spend their time on visibility timeouts, each on a local AWS of its own."""
_SEEDS: Final = ("1", "2")
_ORACLE: Final = ("tests/oracle", "tests/simulation/model.py")


def _kills(quick: bool) -> list[Row]:
    """Send SIGKILL and SIGSTOP on the local AWS: two campaigns at once, because each waits."""
    rounds = 5 if quick else 100
    options = ("-m", "tests.kills", "--rounds", str(rounds), "--json", "--seed")
    with ThreadPoolExecutor(len(_SEEDS)) as pool:
        found = list(pool.map(lambda seed: figures((*options, seed)), _SEEDS))
    return [kills_row(found, said((*options, _SEEDS[0])))]


def kills_row(found: list[dict[str, Any]], command: str) -> Row:
    """Return the row of several campaigns. A strike that was not made is no fault."""
    counted = ("tries", "faults", "lost", "writes", "versions", "missed", "torn_persists")
    total = {name: sum(one[name] for one in found) for name in counted}
    lost = total["lost"] + sum(len(one["broken"]) for one in found)
    lost = max(lost, sum(not one["held"] for one in found))
    receives = max(one["most_receives"] for one in found)
    note = (
        f"{total['writes']:,} writes, {total['versions']:,} versions opened; a message was "
        f"received {receives} times at most; {total['missed']} moments did not come, "
        f"{total['torn_persists']} indexes were left torn; "
        f"seeds {' and '.join(_SEEDS)}"
    )
    return Row("real kills", total["tries"], total["faults"], lost, command, note)


def _outages(quick: bool) -> list[Row]:
    """Make each service unavailable, slow and flapping."""
    cases = [(s, shape) for s in _SERVICES for shape in (_SHAPES[:1] if quick else _SHAPES)]
    with ThreadPoolExecutor(_OUTAGES_AT_ONCE) as pool:
        return list(pool.map(_outage, cases))


def _outage(case: tuple[str, str]) -> Row:
    command = ("-m", "tests.outages", "--service", case[0], "--shape", case[1], "--json")
    (found,) = figures(command)
    note = f"{found['seconds']:g} s; worst freshness {found['freshness']:.0f} s, all equal again "
    note += f"after {found['caught_up']} s; alarms: {', '.join(found['alarmed']) or 'none'}"
    lost = max(found["lost"], int(not found["held"]))
    what = f"outage: {case[0]} {case[1]}"
    return Row(what, found["writes"], found["faults"], lost, said(command), note)


KILLS: Final = Part("kills", _kills, ("tests/kills", *_ORACLE), ("real kills",), beside="strikes")
OUTAGES: Final = Part(
    "outages",
    _outages,
    ("tests/outages", *_ORACLE),
    tuple(f"outage: {service} {shape}" for service in _SERVICES for shape in _SHAPES),
)
