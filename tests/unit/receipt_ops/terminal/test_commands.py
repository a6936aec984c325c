"""What all commands promise: help with an example, one sentence for what is wrong, no traceback."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from receipt_ops.terminal.cli import main
from receipt_ops.terminal.reference import reference

PROJECT = Path(__file__).resolve().parents[4]
ID = "IMAGE#i#RECEIPT#00001#LINE#00001"
ARGUMENTS = {
    "load": "--synthetic 1",
    "search": "x",
    "compare": ID,
    "trace": "x",
    "dlq drop": "x --yes",
    "dlq redrive": "--yes",
    "lock release": "receipt_lines --yes",
    "snapshot history": "receipt_lines",
    "snapshot restore": "receipt_lines 1 --yes",
    "snapshot gc": "receipt_lines --yes",
    "snapshot rebuild": "receipt_lines --yes",
    "flags set": "--word --yes",
    "alerts subscribe": "--email a@b.example --topic arn:aws:sns:us-east-1:1:t",
    "alerts unsubscribe": "arn:x --yes",
}


def leaves(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        whole = f"{path} {name}".strip()
        if hasattr(command, "commands"):
            yield from leaves(command, whole)
        else:
            yield whole, command


COMMANDS = dict(leaves(typer.main.get_command(main)))


def run(line: str) -> Result:
    return CliRunner().invoke(main, line.split(), env={"COLUMNS": "200", "NO_COLOR": "1"})


def call(command: str) -> str:
    return f"{command} {ARGUMENTS.get(command, '')}"


def options(command: str) -> set[str]:
    return {opt for parameter in COMMANDS[command].params for opt in parameter.opts}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_that_calls_this_command(command: str) -> None:
    assert f"Example: receipt-sync {command}" in run(f"{command} --help").stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_speaks_json(command: str) -> None:
    assert "--json" in options(command)


WRITING = {
    "alerts subscribe", "alerts test", "alerts unsubscribe", "backfill", "create-test-receipts",
    "dlq drop", "dlq restore", "dlq redrive", "flags set", "latency", "load", "lock release",
    "modify-test-receipts", "repair", "replay", "smoke", "snapshot gc",
    "snapshot rebuild", "snapshot restore", "stress",
}  # fmt: skip


def test_what_writes_can_be_tried_dry_and_nothing_else_can() -> None:
    assert {command for command in COMMANDS if "--dry-run" in options(command)} == WRITING


@pytest.mark.parametrize("command", COMMANDS)
def test_without_an_environment_every_command_says_what_to_set(
    command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("DYNAMODB_TABLE", "COMPACTION_QUEUE_URL", "SNAPSHOT_BUCKET", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    result = run(call(command))
    assert result.exit_code == 2
    assert "COMPACTION_QUEUE_URL, DYNAMODB_TABLE, SNAPSHOT_BUCKET are not set" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", COMMANDS)
def test_an_endpoint_that_does_not_answer_is_one_sentence(
    command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    # botocore tries again after a pause, which no test need wait for.
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("DYNAMODB_TABLE", "t")
    monkeypatch.setenv("COMPACTION_QUEUE_URL", "http://127.0.0.1:9/000000000000/q")
    monkeypatch.setenv("SNAPSHOT_BUCKET", "bucket")
    result = run(call(command))
    assert result.exit_code == 2, result.output
    assert "nothing answers at http://127.0.0.1:9" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "line",
    [
        "compare IMAGE#i#RECEIPT#00001#METADATA",
        "compare nonsense",
        "flags set",
        "verify --image i --sample 0.5",
        "replay --file nowhere.json",
        "alerts subscribe",
        "dlq drop",
        "snapshot restore receipt_lines",
        "lock release unheard",
        "repair --max-delete-share 2",
    ],
)
def test_a_wrong_call_exits_with_2_and_asks_no_aws(line: str) -> None:
    result = run(line)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "line",
    [
        "trace i --hours 1e9",
        "cost --hours 999999999",
        "logs --minutes 99999999999",
        "snapshot gc receipt_lines --dry-run --older-than 1e9",
    ],
)
def test_a_time_beyond_the_range_of_dates_is_a_wrong_call(line: str) -> None:
    """It was an unexpected OverflowError."""
    result = run(line)
    assert result.exit_code == 2
    assert "should be less than or equal to" in result.output


def test_the_reference_is_current() -> None:
    assert (PROJECT / "docs/cli.md").read_text() == reference(), (
        "run: python -m receipt_ops.terminal.reference > docs/cli.md"
    )
