"""The parts of the proof that kill processes and make services unavailable."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from tests.reliability.report.parts.commands import figures, said
from tests.reliability.report.parts.part import Part
from tests.reliability.report.results import Row

_SERVICES: Final = ("table", "queue", "bucket", "server")
_SHAPES: Final = ("down", "slow", "flapping")
_OUTAGES_AT_ONCE: Final = 3
"""Each trial has its own local AWS, and mostly waits for visibility timeouts."""
_SEEDS: Final = ("1", "2")
_COUNTED: Final = (
    *("tries", "faults", "lost", "writes", "versions", "missed", "torn_persists"),
    *("searches", "graph_misses"),
)
_ORACLE: Final = ("tests/support/oracle", "tests/reliability/simulation/checks/model.py")


def _kills(quick: bool) -> list[Row]:
    """Send SIGKILL and SIGSTOP to workers. Two campaigns run at once, because each mostly waits."""
    rounds = 5 if quick else 100
    options = ("-m", "tests.reliability.crashes", "--rounds", str(rounds), "--json", "--seed")
    with ThreadPoolExecutor(len(_SEEDS)) as pool:
        found = list(pool.map(lambda seed: figures((*options, seed)), _SEEDS))
    return [kills_row(found, said((*options, _SEEDS[0])))]


def kills_row(found: list[dict[str, Any]], command: str) -> Row:
    """Return the row of several campaigns. A strike that hit no live process is no fault."""
    total = {name: sum(one[name] for one in found) for name in _COUNTED}
    broken = sum(len(one["broken"]) or int(_failed_unsaid(one)) for one in found)
    receives = max(one["most_receives"] for one in found)
    note = (
        f"{total['writes']:,} writes, {total['versions']:,} versions opened; a message was "
        f"received {receives} times at most; {total['missed']} moments did not come, "
        f"{total['torn_persists']} indexes were left torn; "
        f"{total['graph_misses']} of {total['searches']:,} searches miss as plain Chroma does on "
        f"the same bytes (search issue); seeds {' and '.join(_SEEDS)}"
    )
    tries, faults, lost = total["tries"], total["faults"], total["lost"]
    return Row("real kills", tries, faults, lost, command, note, broken)


def _failed_unsaid(one: dict[str, Any]) -> bool:
    """Return whether a campaign failed without a reason, for example without a strike."""
    return not one["held"] and not one["lost"]


def _outages(quick: bool) -> list[Row]:
    """Make each service unavailable, slow and flapping."""
    cases = [(s, shape) for s in _SERVICES for shape in (_SHAPES[:1] if quick else _SHAPES)]
    with ThreadPoolExecutor(_OUTAGES_AT_ONCE) as pool:
        return list(pool.map(_outage, cases))


def _outage(case: tuple[str, str]) -> Row:
    command = (
        "-m",
        "tests.reliability.outages",
        "--service",
        case[0],
        "--shape",
        case[1],
        "--json",
    )
    (found,) = figures(command)
    note = f"{found['seconds']:.0f} s; worst freshness {found['freshness']:.0f} s; "
    note += f"{_caught_up(found)}; alarms: {', '.join(found['alarmed']) or 'none'}"
    broken = int(_failed_unsaid(found))
    what = f"outage: {case[0]} {case[1]}"
    return Row(what, found["writes"], found["faults"], found["lost"], said(command), note, broken)


def _caught_up(found: dict[str, Any]) -> str:
    seconds = found["caught_up"]
    return "never caught up" if seconds is None else f"table and index agreed {seconds} s later"


KILLS: Final = Part(
    "kills", _kills, ("tests/reliability/crashes", *_ORACLE), ("real kills",), beside="strikes"
)
OUTAGES: Final = Part(
    "outages",
    _outages,
    ("tests/reliability/outages", *_ORACLE),
    tuple(f"outage: {service} {shape}" for service in _SERVICES for shape in _SHAPES),
)
