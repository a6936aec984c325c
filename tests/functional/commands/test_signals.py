"""Commands that are ended by a signal leave nothing behind: no test receipt, no pending vector."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from local.stack import Stack
from tests.functional.operator import Operator

SIGNALS = {signal.SIGTERM: 143, signal.SIGINT: 130}
DEADLINE_SECONDS = 180


@pytest.fixture(scope="module")
def operator(deployed: Stack) -> Operator:
    operator = Operator.of(deployed)
    operator.command("load", "--synthetic", "1", "--seed", "1")
    operator.settled()
    return operator


def items(operator: Operator, names: str) -> list[dict[str, Any]]:
    """Return the metadata items of receipts whose name begins with `names`."""
    connection = operator.connection
    pages = connection.dynamodb.get_paginator("scan").paginate(
        TableName=connection.names.table,
        FilterExpression="begins_with(receipt_name, :n)",
        ExpressionAttributeValues={":n": {"S": names}},
        ConsistentRead=True,
    )
    return [item for page in pages for item in page["Items"]]


def ended(
    operator: Operator,
    temporary: Path,
    arguments: Sequence[str],
    number: signal.Signals,
    when: Callable[[], bool],
) -> subprocess.CompletedProcess[str]:
    """Start a command, send the signal as soon as `when` holds, and wait for its end."""
    temporary.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "receipt_ops", *arguments],
        env={**os.environ, **operator.stack.variables, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        end = time.monotonic() + DEADLINE_SECONDS
        while not when():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.1)
        process.send_signal(number)
        out, error = process.communicate(timeout=DEADLINE_SECONDS)
    finally:
        process.kill()  # Otherwise its receipts would fail the next test.
    return subprocess.CompletedProcess(process.args, process.returncode, out, error)


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("command", ["latency", "smoke", "stress"])
def test_a_probe_that_is_ended_deletes_its_receipts(
    operator: Operator, tmp_path: Path, command: str, number: signal.Signals
) -> None:
    """Defect `sigterm`: the receipts stayed in the table, and 101 MB stayed in the folder."""
    more = {"latency": ["--changes", "500"], "smoke": [], "stress": ["--receipts", "3"]}[command]
    result = ended(
        operator,
        tmp_path / "tmp",
        [command, *more],
        number,
        lambda: bool(items(operator, f"{command}-")),
    )
    assert result.returncode == SIGNALS[number], result.stderr
    assert "Traceback" not in result.stderr
    assert items(operator, f"{command}-") == []
    assert [path for path in (tmp_path / "tmp").rglob("*") if not path.is_dir()] == []
    operator.settled()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_load_that_is_ended_leaves_no_entity_without_its_vector(
    operator: Operator, tmp_path: Path, number: signal.Signals
) -> None:
    """Defect `sigterm`: items stayed PENDING, because the command never sent their delta."""
    before, loaded = operator.settled(), len(items(operator, "synthetic-"))
    result = ended(
        operator,
        tmp_path / "tmp",
        ["load", "--synthetic", "200", "--seed", str(1000 + number)],
        number,
        lambda: len(items(operator, "synthetic-")) > loaded,
    )
    assert result.returncode == SIGNALS[number], result.stderr
    verdict = operator.settled()
    assert verdict["pending"] == 0
    assert verdict["equal"] > before["equal"]
