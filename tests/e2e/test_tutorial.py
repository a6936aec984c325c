"""The tutorial in a shell: every command succeeds and prints what the page shows."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from local.state import PROJECT

TUTORIAL = PROJECT / "docs/tutorial.md"
USED = ("local", "src", "deployment_package", "template.yaml")
"""Files and folders of the project that the commands need in their folder."""


class Step(NamedTuple):
    """A block of commands, and the lines of output that the page shows after it."""

    commands: str
    shown: list[str]


def steps() -> list[Step]:
    found: list[Step] = []
    for kind, block in re.findall(r"^```(sh|text)\n(.*?)^```", TUTORIAL.read_text(), re.M | re.S):
        if kind == "sh":
            found.append(Step(block, []))
        else:
            found[-1].shown.extend(block.splitlines())
    return found


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the output of each block in one shell. A command that fails ends the shell."""
    folder = tmp_path_factory.mktemp("tutorial")
    for name in USED:
        copy = shutil.copytree if (PROJECT / name).is_dir() else shutil.copy
        copy(PROJECT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    first, *others = [step.commands for step in steps()]
    assert first.startswith("make install\n")  # The packages are installed already.
    blocks = [first.partition("\n")[2], *others]
    script = "set -e\n" + "".join(
        f"{block}\necho; echo ==={number}\n" for number, block in enumerate(blocks)
    )
    try:
        shell = _run(["bash", "-c", script], folder)
    finally:
        if (folder / ".local").exists():  # the shell stopped before the end of the page
            _run([sys.executable, "-m", "local", "down"], folder)
    said = re.findall(r"(.*?)\n===\d+\n", shell.stdout, re.S)
    assert len(said) == len(blocks), shell.stdout + shell.stderr
    return dict(zip([first, *others], said, strict=True))


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env=_environment(),
        capture_output=True,
        check=False,
        text=True,
        timeout=240,
    )


def _environment() -> dict[str, str]:
    known = ("PATH", "HOME", "LANG")
    terminal = {"COLUMNS": "120", "NO_COLOR": "1"}
    return {**{name: os.environ[name] for name in known if name in os.environ}, **terminal}


@pytest.mark.long
@pytest.mark.parametrize("step", steps(), ids=lambda step: step.commands.splitlines()[-1])
def test_the_page_says_what_happens(step: Step, answers: dict[str, str]) -> None:
    said = answers[step.commands]
    flat = " ".join(said.split())
    for line in step.shown:
        parts = [re.escape(" ".join(part.split())) for part in line.split("…")]
        assert re.search(".*".join(parts), flat), f"{line!r} is not in {said}"


def test_every_block_is_commands_or_their_output() -> None:
    text = TUTORIAL.read_text()
    assert len(re.findall(r"^```", text, re.M)) == 2 * len(
        re.findall(r"^```(?:sh|text)$", text, re.M)
    )
    assert sum(len(step.shown) for step in steps()) > 10
    assert not any(re.search(r"^[$>] ", step.commands, re.M) for step in steps())


def test_files_are_written_below_build_alone() -> None:
    written = re.findall(r">\s*([^\s&|]+)", "".join(step.commands for step in steps()))
    assert written
    assert all(name.startswith("build/") for name in written)
