"""Runs each case in a child process that is held to the template's memory and disk."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from local.state import PROJECT
from tests.reliability.bounds.cases import CASES, SHARES
from tests.reliability.bounds.disk import Disk, disk_of
from tests.reliability.bounds.limits import MIB, of_template

_SECONDS: Final = 900
"""A case that takes longer counts as hung. On an idle machine the longest takes a minute."""


@dataclass
class Result:
    """The result of a case. The case held if `wrong` is empty."""

    case: str
    messages: int = 0
    wrong: list[str] = field(default_factory=list)
    note: str = ""
    seconds: float = 0.0
    memory: int = 0
    memory_peak: int = 0
    memory_before: int = 0
    disk: int = 0
    disk_peak: int = 0
    disk_kind: str = ""

    @property
    def held(self) -> bool:
        return not self.wrong

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "held": self.held}


def run(
    names: Iterable[str], *, quick: bool, on_case: Callable[[str], None] = lambda _: None
) -> Iterator[Result]:
    """Run some cases, and yield their results in this order."""
    memory, size = of_template("CompactorMemory"), of_template("CompactorEphemeralStorage")
    with tempfile.TemporaryDirectory(prefix="bounds-") as folder:
        for name in names:
            on_case(name)
            outside = Path(folder) / SHARES.get(name, name)
            with disk_of(Path(folder) / "disk", size) as disk:
                yield _run(name, outside, disk, memory, quick=quick)


def _run(name: str, outside: Path, disk: Disk, memory: int, *, quick: bool) -> Result:
    form = "quick" if quick else "full"
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "tests.reliability.bounds.child",
        name,
        str(outside),
    ]
    command += [str(disk.folder), str(memory), form]
    result = Result(name, memory=memory, disk=disk.size, disk_kind=disk.kind)
    try:
        done = subprocess.run(
            command, cwd=PROJECT, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
        _read(done, result)
    except subprocess.TimeoutExpired:
        result.wrong.append(f"not finished after {_SECONDS} s")
    result.disk_peak = disk.peak
    if disk.overfull:
        result.wrong.append(f"{disk.peak // MIB} MiB on a disk of {disk.size // MIB}")
    return result


def _read(done: "subprocess.CompletedProcess[str]", result: Result) -> None:
    if done.returncode != 0:
        result.wrong.append(f"died with {done.returncode}: {done.stderr[-500:]}")
        return
    content = json.loads(done.stdout.splitlines()[-1])
    result.messages, result.note = content["messages"], content["note"]
    result.wrong += content["wrong"]
    result.seconds, result.memory_before = content["seconds"], content["before"]
    result.memory_peak = content["peak"]
    if result.memory_peak > result.memory:
        result.wrong.append(f"{result.memory_peak // MIB} MiB of memory were resident")


__all__ = ["CASES", "Result", "run"]
