"""Tries one mutant: the tests that reach it must fail."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Final

from tests.reliability.mutation import copies, plugin
from tests.reliability.mutation.mutant import Mutant
from tests.reliability.mutation.reach import PLUGIN, Reach

SHARE: Final = 3
"""A mutant may take this many times as long as its tests without it: the machine may be busy. The
measured times are with coverage, which doubles them.
"""
PATIENCE: Final = 30
"""Seconds that a test may take at least. Start and imports may take as long again."""
_PASSED: Final = 0
_FAILED: Final = (1, 2)
"""Pytest ends with 2 if a test file cannot be imported."""
_TIMEOUT: Final = "Failed: Timeout"
"""What pytest-timeout says of a test that took too long."""
_CONFTEST: Final = "ImportError while loading conftest"


class Outcome(StrEnum):
    """What the tests said about a mutant."""

    KILLED = "killed"
    TIMED_OUT = "timed out"
    SURVIVED = "survived"
    NOT_REACHED = "no test reaches it"
    EQUIVALENT = "equivalent"


DEAD: Final = (Outcome.KILLED, Outcome.TIMED_OUT)


@dataclass(frozen=True)
class Tried:
    """A mutant, its outcome, and either the test that failed or the number of those that passed."""

    mutant: Mutant
    outcome: Outcome
    seconds: float = 0.0
    tests: int = 0
    note: str = field(default="")


class TrialFailedError(Exception):
    """Pytest itself failed. The mutant is neither killed nor alive."""


def tried(mutant: Mutant, reach: Reach, copy: Path) -> Tried:
    """Run the tests that reach a mutant in a copy, up to the first failure.

    Raises TrialFailedError.
    """
    tests = reach.tests_of(mutant)
    if not tests:
        return Tried(mutant, Outcome.NOT_REACHED)
    chosen = copy.with_name(f"{copy.name}.tests")
    chosen.write_text("\n".join(tests))
    seconds = [reach.seconds[test] for test in tests]
    a_test, all_tests = PATIENCE + SHARE * max(seconds), 2 * PATIENCE + SHARE * sum(seconds)
    begun = time.monotonic()
    with copies.changed(copy / mutant.path, mutant.code):
        status, said = _run(copy, chosen, _command(tests, a_test), all_tests)
    outcome = _outcome(status, said)
    if outcome == Outcome.KILLED and _TIMEOUT in said:
        outcome = Outcome.TIMED_OUT
    note = _failed_test(said) if outcome in DEAD else ""
    return Tried(mutant, outcome, round(time.monotonic() - begun, 1), len(tests), note)


def check_copy(mutants: Sequence[Mutant], reach: Reach, copy: Path) -> None:
    """Raise TrialFailedError if tests fail in a copy without a mutant. Then no kill would count."""
    reached = (mutant for mutant in mutants if reach.tests_of(mutant))
    for mutant in islice(reached, 1):
        unchanged = replace(mutant, code=(copy / mutant.path).read_text())
        found = tried(unchanged, reach, copy)
        if found.outcome != Outcome.SURVIVED:
            raise TrialFailedError(f"a test fails in a copy without a mutant: {found.note}")


def _command(tests: list[str], patience: float) -> list[str]:
    """Return the command that runs tests up to the first failure. Each may take some time."""
    files = dict.fromkeys(test.partition("::")[0] for test in tests)
    return [
        sys.executable, "-m", "pytest", *PLUGIN, "-q", "-x", "--no-header", "--tb=line",
        "--hypothesis-seed=0", f"--timeout={patience:.0f}", *files,
    ]  # fmt: skip


def _run(copy: Path, chosen: Path, command: list[str], patience: float) -> tuple[int | None, str]:
    """Return the exit status of pytest, or None if it took too long, and its output."""
    process = subprocess.Popen(
        command,
        cwd=copy, env=copies.environment(copy) | {plugin.TESTS: str(chosen)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        said, _ = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None, ""
    return process.returncode, said


def _outcome(status: int | None, said: str) -> Outcome:
    if status is None:
        return Outcome.TIMED_OUT
    if status == _PASSED:
        return Outcome.SURVIVED
    if status in _FAILED or status < 0 or _CONFTEST in said:
        return Outcome.KILLED
    raise TrialFailedError(f"pytest ended with {status}: {said[-1500:]}")


def _failed_test(said: str) -> str:
    """Return the first test that failed, as pytest names it at the end."""
    lines = (line.split() for line in said.splitlines() if line.startswith(("FAILED ", "ERROR ")))
    return next((words[1] for words in lines), "")
