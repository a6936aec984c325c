"""Starts Locust with this folder's users."""

import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from loadtest.options import Options
from loadtest.watcher.link import PROJECT

CSV: Final = "locust"
"""Prefix of Locust's own figures below a run's folder."""
PAGE: Final = "locust.html"
"""Locust's own report below a run's folder."""


def locust(
    options: Options, environment: Mapping[str, str], more: Sequence[str], quiet: bool = False
) -> int:
    """Run Locust to its end; returns its exit code. `quiet` sends its tables to standard error."""
    command = [sys.executable, "-m", "locust", "-f", "loadtest/locustfile.py", *more]
    with subprocess.Popen(  # noqa: S603 our own interpreter and arguments
        [*command, *options.arguments()],
        cwd=PROJECT,
        env=dict(environment),
        stdout=sys.stderr if quiet else None,
    ) as process:
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue  # Locust has heard it too, and ends in order


def headless(options: Options) -> list[str]:
    """Arguments for a run without a page, its figures below the options' folder."""
    quiet = ["--headless", "--only-summary", "--loglevel", "WARNING"]
    return [*quiet, *_figures(options)]


def with_page(options: Options, port: int) -> list[str]:
    """Arguments for Locust's page on this machine alone, its figures below the options' folder."""
    return ["--web-host", "127.0.0.1", "--web-port", str(port), *_figures(options)]


def _figures(options: Options) -> list[str]:
    folder = Path(options.out)
    return ["--csv", str(folder / CSV), "--csv-full-history", "--html", str(folder / PAGE)]
