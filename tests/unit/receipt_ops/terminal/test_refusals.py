"""Whatever command meets it, a refusal of AWS is one sentence and exit code 2."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.client
import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from tests.unit.receipt_ops.terminal.test_commands import COMMANDS, PROJECT, call, run

RUN_AGAINST_AWS = ("tests/functional", "tests/e2e")
"""Where commands are run against the local AWS."""
RUNBOOK = "docs/operations/runbook.md"
"""Whose commands tests/e2e/test_runbook.py runs, every one."""


def refusal(code: str) -> Exception:
    return ClientError({"Error": {"Code": code, "Message": "a long story"}}, "Scan")


REFUSALS = {
    "no credentials": (NoCredentialsError(), "no AWS credentials: log in"),
    "no such table": (
        refusal("ResourceNotFoundException"),
        "correct DYNAMODB_TABLE, or create the table",
    ),
    "denied": (
        refusal("AccessDeniedException"),
        "AWS denied access, because your credentials lack",
    ),
    "throttled": (refusal("ThrottlingException"), "AWS throttled every try of Scan"),
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.setattr("receipt_sync.clock.time.sleep", lambda _: None)
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "DYNAMODB_TABLE": "t",
        "COMPACTION_QUEUE_URL": "http://127.0.0.1:9/000000000000/q",
        "SNAPSHOT_BUCKET": "bucket",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("kind", REFUSALS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_refusal_is_one_sentence(
    command: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    error, words = REFUSALS[kind]

    def refuse(*_: Any) -> None:
        raise error

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", refuse)
    result = run(call(command))
    assert result.exit_code == 2, result.output
    last = result.stderr.splitlines()[-1]
    assert last.startswith("receipt-sync: ")
    assert words in last
    assert "Traceback" not in result.output


def calls_in(path: Path) -> Iterator[tuple[str, ...]]:
    """The leading literal arguments of every `….command(…)` and `….json(…)` in a test file."""
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    for node in calls:
        if isinstance(node.func, ast.Attribute) and node.func.attr in {"command", "json"}:
            literal = [one.value for one in node.args if isinstance(one, ast.Constant)]
            yield tuple(word for word in literal if isinstance(word, str))


def run_by_tests() -> set[str]:
    """The commands that tests run against the local AWS."""
    sources = [path for folder in RUN_AGAINST_AWS for path in (PROJECT / folder).rglob("*.py")]
    run = [" ".join(call) for path in sources for call in calls_in(path)]
    blocks = re.findall(r"```sh\n(.*?)```", (PROJECT / RUNBOOK).read_text(), re.S)
    lines = [line for block in blocks for line in block.splitlines()]
    run += [line.removeprefix("receipt-sync ") for line in lines]
    return {name for name in COMMANDS for line in run if f"{line} ".startswith(f"{name} ")}


def test_every_command_is_run_against_the_local_aws_by_a_test() -> None:
    assert sorted(set(COMMANDS) - run_by_tests()) == []
