"""Starts Locust with this folder's users."""

import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from loadtest.link import PROJECT
from loadtest.options import Options

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
    folder = Path(options.out)
    return [
        "--headless",
        "--only-summary",
        "--loglevel",
        "WARNING",
        "--csv",
        str(folder / CSV),
        "--csv-full-history",
        "--html",
        str(folder / PAGE),
    ]


def with_page(port: int) -> list[str]:
    """Arguments for Locust's page on this machine alone."""
    return ["--web-host", "127.0.0.1", "--web-port", str(port)]
