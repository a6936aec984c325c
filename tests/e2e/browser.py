"""Opens a page in a real headless browser, Chromium or Chrome."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.debian_browser import NoBrowserError, browser_in

NAMES = (
    "chromium",
    "chromium-browser",
    "chromium-headless-shell",
    "google-chrome",
    "google-chrome-stable",
)
ARTEFACTS = Path(__file__).parents[2] / "build" / "artefacts"
"""The folder of files that CI keeps after a test."""
FETCHED = Path(__file__).parents[2] / "build" / "browser"
"""The folder for Debian's browser if there is no browser on PATH."""
_SECONDS = 60


@dataclass(frozen=True)
class Browser:
    """A browser, the folder of its profile, and the value of LD_LIBRARY_PATH."""

    command: str
    profile: Path
    libraries: str = ""

    def text_of(self, url: str) -> str:
        """Return the document of a page after its scripts have run for five seconds."""
        return self._run("--virtual-time-budget=5000", "--dump-dom", url)

    def screenshot(self, url: str, name: str, height: int = 1600) -> Path:
        """Write a picture of the page below ARTEFACTS, and return its path."""
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        picture = ARTEFACTS / name
        picture.unlink(missing_ok=True)
        self._run(
            "--virtual-time-budget=5000",
            f"--window-size=1200,{height}",
            f"--screenshot={picture}",
            url,
        )
        return picture

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [
                self.command,
                "--headless",
                "--no-sandbox",  # Containers allow no sandbox, and the pages are the project's own.
                "--disable-gpu",
                "--hide-scrollbars",
                f"--user-data-dir={self.profile}",
                *arguments,
            ],
            capture_output=True,
            check=False,
            env=os.environ | ({"LD_LIBRARY_PATH": self.libraries} if self.libraries else {}),
            text=True,
            timeout=_SECONDS,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def find_browser(profile: Path) -> Browser:
    """Return the browser of $BROWSER, one on PATH, or Debian's, which is then fetched.

    Skip the test if no browser is available.
    """
    named = os.environ.get("BROWSER")
    for name in (named,) if named else NAMES:
        command = shutil.which(name)
        if command is not None:
            return Browser(command, profile)
    try:
        command, libraries = browser_in(FETCHED)
    except NoBrowserError as error:
        pytest.skip(f"no browser: {named or ', '.join(NAMES)} is not on PATH, and {error}")
    return Browser(command, profile, libraries)
