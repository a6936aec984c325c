"""Starts a local AWS for a benchmark, and points this process's environment to it."""

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
    """A stack, the counted AWS calls of this process, and a folder for the benchmark's files."""

    stack: Stack
    traffic: Traffic
    folder: Path


@contextmanager
def local_aws(deploy: bool = False) -> Iterator[LocalAWS]:
    """Start a MiniStack for the block, so that no benchmark sees the data of another."""
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
