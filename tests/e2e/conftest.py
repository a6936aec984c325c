"""A local AWS with both functions for each test module, and the real commands."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.running import running
from local.stack import Stack
from receipt_ops.connection import Connection, connect
from receipt_ops.loading.table_writer import TableWriter
from receipt_ops.loading.wiring import writer_of
from tests.e2e.metrics import Counted, compactor_metrics

DEADLINE_SECONDS = 90
"""Seconds until a change must have reached readers, also on a slow machine."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "e2e: the whole system on a local AWS of its own")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@dataclass(frozen=True)
class Answer:
    """The exit code and the output of a command. `json` parses its standard output."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        assert self.stdout, self.stderr
        return json.loads(self.stdout)


@dataclass(frozen=True)
class System:
    """A deployed system, and an operator of it."""

    stack: Stack
    connection: Connection

    def command(self, *arguments: str, seconds: float = 2 * DEADLINE_SECONDS) -> Answer:
        """Run `receipt-sync` in a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "receipt_ops", *arguments],
            capture_output=True,
            check=False,
            env={**os.environ, **self.stack.variables},
            text=True,
            timeout=seconds,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def settled(self) -> dict[str, Any]:
        """Return the verdict after the backlog is empty. Fail after the deadline."""
        answer = self.command("verify", "--wait", str(DEADLINE_SECONDS), "--json")
        assert answer.code == 0, answer.stdout + answer.stderr
        verdict: dict[str, Any] = answer.json
        assert verdict["settled"], verdict
        return verdict

    @property
    def writer(self) -> TableWriter:
        return writer_of(self.connection)

    def metrics(self) -> Counted:
        """Return the compactor's counters so far."""
        return compactor_metrics(self.stack)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("aws")) as stack:
        yield System(stack, connect(stack.variables, Path()))
