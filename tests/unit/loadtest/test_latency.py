"""Locust's count of writes comes from its statistics, because its CSV file lags by a second."""

import subprocess
import sys

import pytest
from locust.stats import RequestStats

from loadtest.latency import Latency, latencies


def test_every_write_is_counted_at_once_and_freshness_is_none() -> None:
    stats = RequestStats()
    for milliseconds in (10, 20, 400):
        stats.log_request("WRITE", "line edit", milliseconds, 0)
    stats.log_error("WRITE", "line edit", "it failed")
    stats.log_request("FRESHNESS", "line edit", 900, 3)
    assert list(latencies(stats)) == [Latency("line edit", 3, 1, 20, 400, 400)]


@pytest.mark.parametrize("module", ["loadtest.cli", "loadtest.watcher.watching"])
def test_only_locusts_own_process_imports_locust(module: str) -> None:
    """The import of Locust replaces the sockets of the standard library."""
    code = f"import sys, {module}; sys.exit('locust' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
