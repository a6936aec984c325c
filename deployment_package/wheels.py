"""Installs the locked dependencies of a function for another Python and another platform."""

import subprocess
import sys
import tempfile
from pathlib import Path

from deployment_package.errors import PackageError
from deployment_package.lock import locked_requirements
from deployment_package.targets import Target


def install(names: Path, lock: Path, folder: Path, target: Target) -> None:
    """Install the wheels of the listed packages in `folder`, without further dependencies.

    Each wheel must have a hash in the lock. Raises PackageError with the end of the installer's
    output.
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
        raise PackageError(f"{names} cannot be installed: {done.stderr.strip()[-2000:]}")
