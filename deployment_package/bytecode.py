"""Byte-code for the target's Python, made by a real one if this machine has it.

It halves the import of a cold start. It is checked against no source file (`unchecked-hash`): in a
deployed package the two can't part.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from deployment_package.errors import PackageError


def find_python(version: str, candidates: Iterable[str] | None = None) -> str | None:
    """Path of a Python that says that it is `version` (as 3.12), or None.

    Looked for: this interpreter, python{version} on PATH, pyenv's versions. A shim that can't run
    is passed over.
    """
    for candidate in candidates if candidates is not None else _candidates(version):
        if _says(candidate) == version:
            return candidate
    return None


def compile_folder(folder: Path, python: str) -> None:
    """Byte-code beside every module below `folder`. Raises PackageError if one does not compile."""
    done = subprocess.run(
        [
            *(python, "-I", "-m", "compileall", "-q", "-j", "0"),
            *("--invalidation-mode", "unchecked-hash"),
            *("-s", str(folder), "-p", "/var/task"),  # the paths that a traceback shows
            str(folder),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise PackageError(f"{python} can't compile {folder}: {done.stdout.strip()[-2000:]}")


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
