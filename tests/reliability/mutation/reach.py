"""Which tests reach which lines of the product, and how long each test takes."""

import json
import math
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import coverage

from tests.reliability.mutation import copies, plugin
from tests.reliability.mutation.mutant import Mutant
from tests.reliability.report.digest import digest_of

TESTS: Final = ("tests/unit", "tests/property")
"""The tests that must kill a mutant."""
PLUGIN: Final = ("-p", "tests.reliability.mutation.plugin", "-p", "no:cacheprovider")
RAN: Final = (0, 1)
"""The exit status of pytest after it ran all tests, without and with failures."""


class NotMeasuredError(Exception):
    """The tests could not be measured, and therefore no mutant can be tried."""


@dataclass(frozen=True)
class Reach:
    """The tests by file and line of the product, and the seconds of each test.

    Tests that fail without a mutant are not in it; `failed` names them.
    """

    lines: Mapping[str, Mapping[int, frozenset[str]]]
    seconds: Mapping[str, float]
    failed: tuple[str, ...] = ()
    sources: Mapping[str, tuple[str, ...]] | None = None
    budget: float = math.inf
    """Seconds of tests that a mutant may cost. The slowest tests are left out beyond it."""

    def tests_of(self, mutant: Mutant) -> list[str]:
        """Return the tests that can notice a mutant, the fastest first.

        No test has a line in its context that runs at the import, such as a constant. All tests of
        its module can notice it, and all tests of the lines that name it.
        """
        lines = self.lines.get(mutant.path, {})
        found = _union(lines.get(n, ()) for n in range(mutant.first_line, mutant.last_line + 1))
        if not found or mutant.runs_at_import:
            found |= _union(lines.values()) | self._tests_of_uses(mutant)
        return list(self._within_budget(found & self.seconds.keys()))

    def _within_budget(self, tests: Iterable[str]) -> Iterator[str]:
        """Yield the tests that fit into the budget, the fastest first. The first always fits."""
        spent = 0.0
        for test in sorted(tests, key=lambda test: (self.seconds[test], test)):
            if spent and spent + self.seconds[test] > self.budget:
                return
            spent += self.seconds[test]
            yield test

    def _tests_of_uses(self, mutant: Mutant) -> set[str]:
        name = mutant.constant
        if not name or self.sources is None:
            return set()
        uses = re.compile(rf"\b{re.escape(name)}\b")
        return _union(
            self._tests_of_line(path, number)
            for path, text in self.sources.items()
            for number, line in enumerate(text, 1)
            if uses.search(line)
        )

    def _tests_of_line(self, path: str, number: int) -> Iterable[str]:
        """Return the tests of a line; those of its module if it runs at the import."""
        lines = self.lines.get(path, {})
        found = lines.get(number, frozenset())
        imported = number in lines and not found
        return _union(lines.values()) if imported else found


def _union(some: Iterable[Iterable[str]]) -> set[str]:
    return {test for tests in some for test in tests}


def measured(copy: Path, processes: int) -> Reach:
    """Run the tests in a copy, or read the figures of the last run of the same code.

    Raises NotMeasuredError.
    """
    folder = copies.FOLDER / "reach" / digest_of(("src", *TESTS, "tests/support", "pyproject.toml"))
    durations = folder / "durations.json"
    if not durations.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _run(copy, folder, durations, processes)
    figures = json.loads(durations.read_text())
    failed = tuple(figures["failed"])
    seconds = {test: took for test, took in figures["seconds"].items() if test not in failed}
    return Reach(_lines(copy, folder), seconds, failed, _sources(copy))


def _run(copy: Path, folder: Path, durations: Path, processes: int) -> None:
    pending = durations.with_suffix(".new")
    command = [
        sys.executable, "-m", "coverage", "run", "-m", "pytest", *PLUGIN, "-q", "--no-header",
        "-n", str(processes), "--dist", "loadfile", "-m", "not long and not measured",
        "-o", "timeout=900", "--hypothesis-seed=0", *TESTS,
    ]  # fmt: skip
    environment = copies.environment(copy)
    del environment["PYTHONDONTWRITEBYTECODE"]
    environment |= {"COVERAGE_FILE": str(folder / "data"), plugin.DURATIONS: str(pending)}
    done = subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    (folder / "output.txt").write_text(done.stdout + done.stderr)
    if done.returncode not in RAN or not pending.exists():
        raise NotMeasuredError(
            f"pytest ended with {done.returncode} before any mutant was made: read "
            f"{folder / 'output.txt'}"
        )
    pending.replace(durations)


def _lines(copy: Path, folder: Path) -> dict[str, dict[int, frozenset[str]]]:
    found: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for part in folder.glob("data*"):
        with suppress(coverage.exceptions.DataError):  # A killed child may leave half a file.
            data = coverage.CoverageData(basename=str(part))
            data.read()
            for file in data.measured_files():
                path = (copy / file).relative_to(copy).as_posix()
                for line, tests in data.contexts_by_lineno(file).items():
                    found[path][line].update(filter(None, tests))
    return {
        path: {line: frozenset(tests) for line, tests in lines.items()}
        for path, lines in found.items()
    }


def _sources(copy: Path) -> dict[str, tuple[str, ...]]:
    files = (copy / "src").rglob("*.py")
    return {
        file.relative_to(copy).as_posix(): tuple(file.read_text().splitlines()) for file in files
    }
