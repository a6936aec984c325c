"""An environment of the locked packages for each Python that the project promises to run on."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deployment_package.bytecode import find_python
from local.state import PROJECT

VERSIONS: Final = ("3.11", "3.12", "3.13")


class NoPythonError(Exception):
    """A version is not installed on this machine, or uv could not install the packages."""


@dataclass(frozen=True)
class Environment:
    """An interpreter with all locked packages, and its full version."""

    python: Path
    version: str


def environment(version: str, folder: Path = PROJECT / "build") -> Environment:
    """Make a new environment below `folder` from the lock. Raises NoPythonError."""
    interpreter = find_python(version)
    if interpreter is None:
        raise NoPythonError(f"Python {version} is neither on PATH nor among pyenv's: install it")
    made = folder / f"python-{version}"
    python = made / "bin" / "python"
    _uv("venv", "--clear", "--python", interpreter, str(made))
    _uv("pip", "sync", "--python", str(python), "requirements.lock")
    own = ("--no-build-isolation", "--no-deps", "--editable", ".")
    _uv("pip", "install", "--python", str(python), *own)
    question = "import platform; print(platform.python_version())"
    return Environment(python, _run(str(python), "-c", question).strip())


def _uv(*arguments: str) -> None:
    _run(str(Path(sys.executable).with_name("uv")), *arguments, "--quiet")


def _run(*command: str) -> str:
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NoPythonError(f"`{' '.join(command)}` ended with {done.returncode}: {done.stderr}")
    return done.stdout
