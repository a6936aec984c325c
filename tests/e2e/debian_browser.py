"""Fetches Debian's headless Chromium, and unpacks it in a folder without installing it.

This needs no root, because apt's lists and archives are in the folder, too.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Final

PACKAGE: Final = "chromium-headless-shell"
_LIBRARIES: Final = ("usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu")
_SECONDS: Final = 300


class NoBrowserError(Exception):
    """The package does not exist here, or apt could not fetch it."""


def browser_in(folder: Path) -> tuple[str, str]:
    """Return the command, and the value of LD_LIBRARY_PATH for it. Raises NoBrowserError."""
    root = folder / "root"
    command = root / "usr/lib/chromium" / PACKAGE
    if not command.exists():
        if not (shutil.which("apt-get") and shutil.which("dpkg")):
            raise NoBrowserError("this is no Debian")
        _fetch(folder, root)
    places = [path for name in _LIBRARIES for path in (root / name, root / name / "pulseaudio")]
    return str(command), ":".join(map(str, places))


def _fetch(folder: Path, root: Path) -> None:
    """Fetch about 100 MB, which takes seconds. `root` exists only after everything is unpacked."""
    for name in ("lists/partial", "archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    apt = ["apt-get", "-qq", "-o", f"Dir::State::lists={folder}/lists"]
    apt += ["-o", f"Dir::Cache={folder}", "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User="]
    _run([*apt, "update"], folder)
    wanted = _run([*apt, "--no-install-recommends", "--simulate", "install", PACKAGE], folder)
    names = [line.split()[1] for line in wanted.splitlines() if line.startswith("Inst ")]
    _run([*apt, "download", *names], folder)
    unpacked = folder / "unpacked"
    for package in folder.glob("*.deb"):
        _run(["dpkg", "-x", package.name, unpacked.name], folder)
        package.unlink()
    unpacked.rename(root)


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, check=False, text=True, timeout=_SECONDS
    )
    if done.returncode != 0:
        raise NoBrowserError(f"{command[0]}: {' '.join(done.stderr.split())}")
    return done.stdout
