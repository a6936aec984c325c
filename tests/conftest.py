"""Settings of all tests. No test can reach the real AWS, whatever the caller's shell names."""

import os
import signal
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

import hypothesis
import pytest
from botocore.loaders import JSONFileLoader

# A slow machine is no bug of the code. Benchmarks measure times.
hypothesis.settings.register_profile("project", deadline=None)
hypothesis.settings.load_profile("project")

# A process that a shell runs in the background ignores Ctrl-C, and so do its children. Tests send
# it to children.
signal.signal(signal.SIGINT, signal.default_int_handler)
# With `nohup` a process ignores SIGHUP. Tests send this signal too.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

_parse = JSONFileLoader.load_file


@cache
def _parsed(path: str) -> Any:
    return _parse(JSONFileLoader(), path)


def _load_once(self: JSONFileLoader, file_path: str) -> Any:
    return _parsed(file_path)


# botocore parses the models of its services again for each session, and each command makes a
# session. With this patch, a process parses each file once.
JSONFileLoader.load_file = _load_once  # type: ignore[method-assign]

_NO_ACCOUNT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture(scope="session", autouse=True)
def no_real_aws() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in _NO_ACCOUNT.items():
            patch.setenv(name, value)
        yield


def pytest_sessionfinish() -> None:
    """Store the measured lines, if `coverage` runs the tests.

    pytest-xdist kills a process that has not ended after ten seconds. On a busy machine, coverage
    needs longer to store its data at the exit of a large process.
    """
    if "coverage" in sys.modules:
        measured = sys.modules["coverage"].Coverage.current()
        if measured is not None:
            measured.save()
