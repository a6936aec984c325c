"""The tutorial, word for word, in a shell: every command succeeds and says what the page says."""

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
USED = ("local", "src", "deployment_package")
"""What of the project the commands need in their folder."""


class Step(NamedTuple):
    """A command as it is typed, and the lines that the page shows of its answer."""

    command: str
    shown: list[str]


def steps() -> list[Step]:
    found: list[Step] = []
    for block in re.findall(r"```console\n(.*?)```", TUTORIAL.read_text(), re.S):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(Step(line[2:], []))
            elif line.startswith("> "):
                last = found[-1]
                found[-1] = Step(f"{last.command}\n{line[2:]}", last.shown)
            else:
                found[-1].shown.append(line)
    return found


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, int]]:
    """What one shell said to each command, and the exit status; installed it is already."""
    folder = tmp_path_factory.mktemp("tutorial")
    for name in USED:
        shutil.copytree(PROJECT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    install, *typed = [step.command for step in steps()]
    assert install == "make install"
    script = "".join(
        f"{command}\necho; echo ==={number} $?\n" for number, command in enumerate(typed)
    )
    try:
        shell = _run(["bash", "-c", script], folder)
    finally:
        if (folder / ".local").exists():  # the page was not gone through to its end
            _run([sys.executable, "-m", "local", "down"], folder)
    said = re.findall(r"(.*?)\n===\d+ (\d+)\n", shell.stdout, re.S)
    assert len(said) == len(typed), shell.stdout + shell.stderr
    return {command: (out, int(code)) for command, (out, code) in zip(typed, said, strict=True)}


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


@pytest.mark.parametrize("step", steps()[1:], ids=lambda step: step.command.splitlines()[0])
def test_the_page_says_what_happens(step: Step, answers: dict[str, tuple[str, int]]) -> None:
    said, code = answers[step.command]
    assert code == 0, said
    flat = " ".join(said.split())
    for line in step.shown:
        parts = [re.escape(" ".join(part.split())) for part in line.split("…")]
        assert re.search(".*".join(parts), flat), f"{line!r} is not in {said}"
