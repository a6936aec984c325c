"""A plugin of pytest: it records which test runs which line, and runs chosen tests in order.

    python -m pytest -p tests.reliability.mutation.plugin

`$MUTATION_DURATIONS` names the file for the seconds of each test, and turns the recording on. It
needs `coverage run`, which stores the id of the test as the context of each line. `$MUTATION_TESTS`
names a file with the ids of the tests to run, one a line, in the wanted order.
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import coverage
import pytest

TESTS: Final = "MUTATION_TESTS"
DURATIONS: Final = "MUTATION_DURATIONS"

_seconds: defaultdict[str, float] = defaultdict(float)
_failed: set[str] = set()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Name the test to coverage, from its first fixture to its last."""
    measured = coverage.Coverage.current() if DURATIONS in os.environ else None
    if measured:
        measured.switch_context(item.nodeid)
    try:
        return (yield)
    finally:
        if measured:
            measured.switch_context("")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _seconds[report.nodeid] += report.duration
    if report.failed:
        _failed.add(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Store the seconds of each test. A process of pytest-xdist has a part of them only."""
    if DURATIONS in os.environ and not hasattr(session.config, "workerinput"):
        content = {"seconds": dict(_seconds), "failed": sorted(_failed)}
        Path(os.environ[DURATIONS]).write_text(json.dumps(content))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if TESTS not in os.environ:
        return
    order = {name: at for at, name in enumerate(Path(os.environ[TESTS]).read_text().splitlines())}
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in order])
    items[:] = sorted(
        (item for item in items if item.nodeid in order), key=lambda item: order[item.nodeid]
    )
