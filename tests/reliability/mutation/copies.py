"""Copies of the project. A mutant is tested in a copy, so that the work tree stays as it is."""

import compileall
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Final

from local.state import PROJECT

FOLDER: Final = PROJECT / "build" / "mutation"
"""The folder of all files of a run."""


def made(number: int) -> Path:
    """Make a copy of all files that git tracks or would track, and return its folder."""
    copy = FOLDER / "copies" / str(number)
    shutil.rmtree(copy, ignore_errors=True)
    for name in _names():
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, target)
    # The compiled file of a mutated one must not be used. Times are too coarse to tell.
    compileall.compile_dir(
        copy / "src", quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH
    )
    return copy


def _names() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return [name for name in listed.split("\0") if name and (PROJECT / name).is_file()]


def environment(copy: Path) -> dict[str, str]:
    """Return the environment in which Python imports the packages of a copy."""
    return {
        **os.environ,
        "PYTHONPATH": str(copy / "src"),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@contextmanager
def changed(file: Path, code: str) -> Iterator[None]:
    """Give a file of a copy other content for the block."""
    before = file.read_bytes()
    file.write_text(code)
    try:
        yield
    finally:
        file.write_bytes(before)
