"""Byte-code for the target's Python, compiled by that Python if this machine has it.

Byte-code halves the import time of a cold start. Python does not compare it with the source files
(`unchecked-hash`), because the files of a deployed package never change.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from deployment_package.errors import PackageError


def find_python(version: str, candidates: Iterable[str] | None = None) -> str | None:
    """Return the path of a Python whose version is `version` (such as 3.12), or None.

    By default it checks this interpreter, python{version} on PATH, and the versions of pyenv. It
    skips a pyenv shim that cannot run.
    """
    for candidate in candidates if candidates is not None else _candidates(version):
        if _says(candidate) == version:
            return candidate
    return None


def compile_folder(folder: Path, python: str) -> None:
    """Compile every module below `folder`. Raises PackageError if a module does not compile."""
    done = subprocess.run(
        [
            *(python, "-I", "-m", "compileall", "-q", "-j", "0"),
            *("--invalidation-mode", "unchecked-hash"),
            *("-s", str(folder), "-p", "/var/task"),  # The paths in a traceback.
            str(folder),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise PackageError(f"{python} cannot compile {folder}: {done.stdout.strip()[-2000:]}")


def _candidates(version: str) -> Iterator[str]:
    yield sys.executable
    yield f"python{version}"
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    yield from map(str, sorted(pyenv.glob(f"{version}.*/bin/python{version}")))


def _says(python: str) -> str | None:
    question = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run(
            [python, "-I", "-c", question], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
