"""Runs tests by their ids, and counts their tries."""

import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

from local.state import PROJECT
from tests.reliability.report.parts.commands import PartFailedError

_RAN = (0, 1)
"""The exit status of pytest after it ran all tests, without and with failures."""
_EXAMPLES = re.compile(r"- (\d+) passing\b.*?(\d+) failing")
_TEST = re.compile(r"^(tests/\S+\.py)::(?:\w+::)?(\w+)")


class Tried:
    """The tries and failures of a run, by file and by "file::test"."""

    def __init__(self) -> None:
        self.tries: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()

    @property
    def total(self) -> tuple[int, int]:
        """Return the tries and failures of the whole run."""
        return _of_files(self.tries), _of_files(self.failed)

    def of(self, ids: Sequence[str]) -> tuple[int, int]:
        """Return the tries and failures of some tests or files."""
        return sum(self.tries[i] for i in ids), sum(self.failed[i] for i in ids)


def run(ids: Sequence[str], python: str = sys.executable, processes: int = 1) -> Tried:
    """Run the tests. A try is a test case, or an example of a property if one process runs it.

    Raises PartFailedError if pytest itself fails, for example because it cannot collect a test.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        if processes > 1:
            command += ["-n", str(processes), "--dist", "loadfile"]
        options = [
            f"--junitxml={report}",
            "--hypothesis-show-statistics",
            "-o",
            "junit_family=xunit1",
        ]
        done = subprocess.run(
            [*command, *options, *dict.fromkeys(ids)],
            cwd=PROJECT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode not in _RAN or not report.exists():
            raise PartFailedError(f"pytest did not run: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return _read(report, done.stdout)


def _read(report: Path, said: str) -> Tried:
    tried, examples = Tried(), _examples(said)
    for case in ElementTree.parse(report).iter("testcase"):
        file = _file(case.get("classname", ""))
        name = case.get("name", "").split("[")[0]
        if case.find("skipped") is not None:
            continue
        failed = any(case.find(kind) is not None for kind in ("failure", "error"))
        for key in (file, f"{file}::{name}"):
            tried.tries[key] += examples.get(f"{file}::{name}", 1)
            tried.failed[key] += failed
    return tried


def _of_files(counts: Counter[str]) -> int:
    """Return the sum over whole files."""
    return sum(count for key, count in counts.items() if "::" not in key)


def _file(classname: str) -> str:
    """Return the path of a class: tests.unit.test_some.TestClass → tests/unit/test_some.py.

    The `file` of a state machine in the report is a file of Hypothesis.
    """
    parts = [part for part in classname.split(".") if not part.startswith("Test")]
    return "/".join(parts) + ".py"


def _examples(said: str) -> dict[str, int]:
    """Return the numbers of examples that Hypothesis reports, by "file::test"."""
    found: Counter[str] = Counter()
    for name, line in _blocks(said):
        found[name] += sum(int(n) for pair in _EXAMPLES.findall(line) for n in pair)
    return {name: count for name, count in found.items() if count}


def _blocks(said: str) -> Iterator[tuple[str, str]]:
    name = ""
    for line in said.splitlines():
        if head := _TEST.match(line):
            name = f"{head[1]}::{head[2]}"
        if name:
            yield name, line
