"""Installs a function's dependencies for Lambda's platform, whatever machine this is."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from local.errors import PackageError

_PYTHON: Final = "3.12"
_PLATFORM: Final = "x86_64-manylinux_2_34"
"""Interpreter, processor and C library of the runtime."""


def vendor(requirements: Path, target: Path) -> Path:
    """Install the pinned packages of a requirements file, and nothing they ask for, in `target`.

    Raises PackageError with the installer's last words.
    """
    shutil.rmtree(target, ignore_errors=True)
    command = [
        *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps"),
        *("--only-binary", ":all:", "--python-version", _PYTHON),
        *("--python-platform", _PLATFORM),
        *("--target", str(target), "--requirements", str(requirements)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PackageError(f"{requirements} can't be installed: {done.stderr.strip()[-2000:]}")
    return target
