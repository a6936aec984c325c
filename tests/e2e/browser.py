"""Opens a page in a real browser: Chromium or Chrome, without a window."""

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
"""What CI keeps of a test."""
FETCHED = Path(__file__).parents[2] / "build" / "browser"
"""Where Debian's is unpacked if there is none on PATH."""
_SECONDS = 60


@dataclass(frozen=True)
class Browser:
    """One browser, a folder for its profile, and where it looks for libraries first."""

    command: str
    profile: Path
    libraries: str = ""

    def text_of(self, url: str) -> str:
        """The page's document once its scripts have run for five seconds."""
        return self._run("--virtual-time-budget=5000", "--dump-dom", url)

    def screenshot(self, url: str, name: str, height: int = 1600) -> Path:
        """A picture of the page below ARTEFACTS."""
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
                "--no-sandbox",  # the pages are our own, and containers allow none
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
    """The browser that $BROWSER names, or one of the usual ones, or Debian's, fetched.

    Skips the test where none can be had.
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
