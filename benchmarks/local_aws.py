"""The local AWS for a benchmark, and this process's environment pointing to it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.meters.traffic import Traffic, watched_session
from benchmarks.paths import scratch_folder
from local.running import running
from local.stack import Stack


@dataclass(frozen=True)
class LocalAWS:
    """A stack, the count of what this process asks of it, and a folder for what is to be kept."""

    stack: Stack
    traffic: Traffic
    folder: Path


@contextmanager
def local_aws(deploy: bool = False) -> Iterator[LocalAWS]:
    """A MiniStack of its own for the block: what one benchmark stores, another need not bear."""
    with (
        scratch_folder() as folder,
        running(folder / "aws", deploy) as stack,
        environment(stack.variables),
    ):
        yield LocalAWS(stack, watched_session(), folder)


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for the block."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
