"""Starts Locust with the users of locustfile.py."""

import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from loadtest.options import Options
from loadtest.watcher.link import PROJECT

CSV: Final = "locust"
"""The prefix of Locust's CSV files in the folder of a run."""
PAGE: Final = "locust.html"
"""The file of Locust's own report in the folder of a run."""


def locust(
    options: Options, environment: Mapping[str, str], more: Sequence[str], quiet: bool = False
) -> int:
    """Run Locust to its end and return its exit code. `quiet`: its tables go to standard error."""
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
                continue  # Locust receives the same signal and ends the run itself


def headless(options: Options) -> list[str]:
    """Return the arguments for a run without a page. Its files go to the options' folder."""
    quiet = ["--headless", "--only-summary", "--loglevel", "WARNING"]
    return [*quiet, *_figures(options)]


def with_page(options: Options, port: int) -> list[str]:
    """Return the arguments for a run with Locust's page, which only this machine can open."""
    return ["--web-host", "127.0.0.1", "--web-port", str(port), *_figures(options)]


def _figures(options: Options) -> list[str]:
    folder = Path(options.out)
    return ["--csv", str(folder / CSV), "--csv-full-history", "--html", str(folder / PAGE)]
