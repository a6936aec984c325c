"""Measures the import of a function by package, with Python's -X importtime.

https://docs.python.org/3/using/cmdline.html#cmdoption-X
"""

import os
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Final

from benchmarks.errors import BenchmarkError
from benchmarks.meters.package_runtime import PackageRuntime

_LINE: Final = re.compile(r"import time:\s*(\d+) \|\s*\d+ \|\s*([\w.]+)")
_SHOWN: Final = 12


def import_times(runtime: PackageRuntime, package: Path, module: str) -> list[tuple[str, float]]:
    """Return the milliseconds in each package's own modules, the slowest first, then the rest.

    The measurement itself makes each import a little slower.

    Raises:
        BenchmarkError: The module cannot be imported.
    """
    command = [runtime.python, "-S", "-P", "-X", "importtime", "-c", f"import {module}"]
    variables = {"PATH": os.environ["PATH"], **runtime.environment(package)}
    # The first run fills the file cache.
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
    if done.returncode != 0:
        raise BenchmarkError(f"{module} cannot be imported: {done.stderr[-2000:]}")
    return by_package(done.stderr)


def by_package(report: str) -> list[tuple[str, float]]:
    """Return the sums by package of Python's report, in milliseconds."""
    spent: Counter[str] = Counter()
    for microseconds, name in _LINE.findall(report):
        spent[name.partition(".")[0]] += int(microseconds)
    shown = spent.most_common(_SHOWN)
    rest = spent.total() - sum(count for _, count in shown)
    return [(name, count / 1000) for name, count in (*shown, ("all others", rest))]
