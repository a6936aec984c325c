"""Installs a function's locked dependencies for another Python and another machine."""

import subprocess
import sys
import tempfile
from pathlib import Path

from deployment_package.errors import PackageError
from deployment_package.lock import locked_requirements
from deployment_package.targets import Target


def install(names: Path, lock: Path, folder: Path, target: Target) -> None:
    """Put the wheels of the listed packages, and nothing they ask for, in `folder`.

    Each must have a hash of the lock. Raises PackageError with the installer's last words.
    """
    with tempfile.TemporaryDirectory() as scratch:
        requirements = Path(scratch) / "requirements.txt"
        requirements.write_text(locked_requirements(names, lock))
        command = [
            *(sys.executable, "-m", "uv", "pip", "install", "--quiet"),
            *("--require-hashes", "--no-deps", "--only-binary", ":all:"),
            *target.wheels,
            *("--target", str(folder), "--requirements", str(requirements)),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PackageError(f"{names} can't be installed: {done.stderr.strip()[-2000:]}")
