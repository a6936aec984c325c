"""The result of a run: its score, and how it is stored and shown in docs/reliability.md."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from tests.reliability.mutation.copies import FOLDER
from tests.reliability.mutation.mutant import PACKAGES
from tests.reliability.mutation.reach import TESTS
from tests.reliability.mutation.trial import DEAD, Outcome, Tried
from tests.reliability.report.digest import digest_of
from tests.reliability.report.document import DOCUMENT, NOT_RUN, replaced

MARKER: Final = "mutants"
STORED: Final = FOLDER / "result.json"
SURVIVORS: Final = FOLDER / "survivors.txt"
COMMAND: Final = "make mutate MUTANTS={asked} SEED={seed}"
_OWN: Final = "tests/reliability/mutation"
_CODE: Final = re.compile(r"<!-- mutants -->\n\*\*mutation\*\*: code `([0-9a-f]+)`")
_SHOWN: Final = 70
"""The longest text of a line in the page."""


@dataclass(frozen=True)
class Result:
    """The mutants that were tried, of a sample of `asked` from `population` places."""

    tried: Sequence[Tried]
    asked: int
    seed: int
    population: int
    seconds: float
    date: str
    code: str

    @property
    def score(self) -> float:
        return score(self.tried)

    @property
    def survivors(self) -> list[Tried]:
        return [each for each in self.tried if _survived(each)]

    @property
    def command(self) -> str:
        return COMMAND.format(asked=self.asked, seed=self.seed)


def present_code() -> str:
    """Return the digest of the mutated code, of the tests, and of this tool."""
    return digest_of((*PACKAGES, *TESTS, _OWN))


def score(tried: Iterable[Tried]) -> float:
    """Return the killed share of the mutants that are not equivalent, in per cent."""
    counted = [each for each in tried if each.outcome != Outcome.EQUIVALENT]
    dead = sum(each.outcome in DEAD for each in counted)
    return 100 * dead / len(counted) if counted else 0.0


def _survived(tried: Tried) -> bool:
    return tried.outcome in (Outcome.SURVIVED, Outcome.NOT_REACHED)


def save(result: Result) -> None:
    """Store the result, and a list of the survivors that a person reads."""
    STORED.parent.mkdir(parents=True, exist_ok=True)
    STORED.write_text(json.dumps(asdict(result), indent=1) + "\n")
    SURVIVORS.write_text("\n".join(map(described, result.survivors)) + "\n")


def described(tried: Tried) -> str:
    """Return a mutant with its outcome for a person, in a few lines."""
    mutant = tried.mutant
    said = f"{tried.outcome}, {tried.tests} tests" if tried.tests else str(tried.outcome)
    head = f"{mutant.where} {mutant.definition} ({mutant.operator}): {said}"
    return f"{head}\n  - {mutant.before}\n  + {mutant.after}"


def stored_survivors() -> set[tuple[str, str, str]]:
    """Return what names each survivor of the last run: its file, its line and its change."""
    found = json.loads(STORED.read_text())["tried"]
    alive = (Outcome.SURVIVED, Outcome.NOT_REACHED)
    mutants = [each["mutant"] for each in found if each["outcome"] in alive]
    return {(each["path"], each["before"], each["after"]) for each in mutants}


def write(result: Result, path: Path = DOCUMENT) -> None:
    """Write the figures into the document. Raises ValueError if it lacks the markers."""
    path.write_text(replaced(path.read_text(), MARKER, block(result)))


def refresh(path: Path = DOCUMENT) -> bool:
    """Take figures of other code out of the document. Return whether figures remain."""
    text = path.read_text()
    found = _CODE.search(text)
    if found and found[1] == present_code():
        return True
    path.write_text(replaced(text, MARKER, not_run()))
    return False


def not_run() -> str:
    """Return the block without figures."""
    return f"**mutation**: {NOT_RUN}; `make mutate` runs a sample."


def block(result: Result) -> str:
    """Return the figures as a table by package, and a table of the survivors."""
    head = (
        f"**mutation**: code `{result.code}`, {result.date}, {result.seconds:,.0f} s. "
        f"`{result.command}` tried {len(result.tried):,} of {result.population:,} possible "
        "mutants. "
        f"Score: **{result.score:.1f} %**."
    )
    return "\n\n".join([head, _by_package(result.tried), *_survivors(result.survivors)])


def _by_package(tried: Sequence[Tried]) -> str:
    lines = [
        "| package | mutants | killed | by time-out | survived | equivalent | score |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for package in PACKAGES:
        some = [each for each in tried if each.mutant.path.startswith(f"{package}/")]
        dead, late, same = (
            sum(each.outcome in outcomes for each in some)
            for outcomes in (DEAD, (Outcome.TIMED_OUT,), (Outcome.EQUIVALENT,))
        )
        alive = sum(map(_survived, some))
        figures = f"{len(some)} | {dead} | {late} | {alive} | {same} | {score(some):.0f} %"
        lines.append(f"| `{package}` | {figures} |")
    return "\n".join(lines)


def _survivors(alive: Sequence[Tried]) -> list[str]:
    if not alive:
        return []
    lines = ["| survivor | line | changed line |", "|---|---|---|"]
    for each in sorted(alive, key=lambda each: (each.mutant.path, each.mutant.first_line)):
        texts = f"{_text(each.mutant.before)} | {_text(each.mutant.after)}"
        lines.append(f"| {each.mutant.where} | {texts} |")
    return ["\n".join(lines)]


def _text(line: str) -> str:
    """Return a line of code for a cell of a table."""
    short = line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
    return f"`` {short} ``".replace("|", "\\|")
