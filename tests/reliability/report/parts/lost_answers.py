"""The part of the proof that loses the answers of AWS calls."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from tests.reliability.lost_answers.campaign import NAMES
from tests.reliability.report.parts.commands import PartFailedError, figures, said
from tests.reliability.report.parts.part import Part
from tests.reliability.report.results import Row

_WHAT: Final = "lost answers"
_HALVES: Final = (NAMES[::2], NAMES[1::2])


def _lost_answers(quick: bool) -> list[Row]:
    """Perform every call and lose its answer. Two campaigns run at once."""
    command = ("-m", "tests.reliability.lost_answers", *(("--quick",) if quick else ()), "--json")
    with ThreadPoolExecutor(len(_HALVES)) as pool:
        halves = list(pool.map(lambda names: figures((*command, *_options(names))), _HALVES))
    found = {name: [one for half in halves for one in half[name]] for name in ("trials", "broken")}
    return rows_of(found, said(command), quick=quick)


def _options(names: Sequence[str]) -> list[str]:
    return [word for name in names for word in ("--scenario", name)]


def rows_of(found: dict[str, Any], command: str, *, quick: bool) -> list[Row]:
    """Return a row for each scenario. A call is tried once for each way to lose its answer.

    Raises PartFailedError if a scenario failed without a loss, or tried nothing.
    """
    if found["broken"]:
        raise PartFailedError("; ".join(found["broken"]))
    names = NAMES if not quick else dict.fromkeys(t["scenario"] for t in found["trials"])
    return [_row(name, found["trials"], command) for name in names]


def _row(name: str, trials: list[dict[str, Any]], command: str) -> Row:
    mine = [trial for trial in trials if trial["scenario"] == name]
    calls = {(trial["call"], trial["number"]) for trial in mine}
    outcomes = Counter(trial["outcome"].partition(":")[0] for trial in mine)
    note = f"{len(calls)} calls; " + ", ".join(f"{what} {n}×" for what, n in outcomes.items())
    answers, failed = sum(t["lost"] for t in mine), sum(bool(t["wrong"]) for t in mine)
    return Row(f"{_WHAT}: {name}", len(mine), answers, failed, command, note)


LOST_ANSWERS: Final = Part(
    "lost_answers",
    _lost_answers,
    ("tests/reliability/lost_answers",),
    tuple(f"{_WHAT}: {name}" for name in NAMES),
)
