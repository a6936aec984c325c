"""What all tests share: none of them can reach the real AWS, whatever the caller's shell holds."""

import os
import signal
from collections.abc import Iterator
from functools import cache
from typing import Any

import hypothesis
import pytest
from botocore.loaders import JSONFileLoader

# A slow machine is no bug of ours: what takes long is a benchmark's business.
hypothesis.settings.register_profile("project", deadline=None)
hypothesis.settings.load_profile("project")

# A shell that runs us in the background has us, and what we start, ignore Ctrl-C. Tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)
# `nohup` has us ignore SIGHUP, which tests send, too.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

_parse = JSONFileLoader.load_file


@cache
def _parsed(path: str) -> Any:
    return _parse(JSONFileLoader(), path)


def _load_once(self: JSONFileLoader, file_path: str) -> Any:
    return _parsed(file_path)


# botocore parses the models of its services again for each session, and each command makes a
# session. Here, a process parses each file once.
JSONFileLoader.load_file = _load_once  # type: ignore[method-assign]

_NOBODY = {
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
        for name, value in _NOBODY.items():
            patch.setenv(name, value)
        yield
