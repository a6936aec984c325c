"""`backfill --wait` opens what it will verify before it sends, and counts what it has sent."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from typer.testing import CliRunner

from receipt_ops.commands.consistency import backfill as module
from receipt_ops.repair.backfill import Sent
from receipt_ops.terminal.cli import main
from receipt_ops.verification.settling import Settled
from receipt_ops.verification.verdict import CollectionCounts, Finding, Verdict
from receipt_sync.errors import IndexUnavailableError
from receipt_sync.keys import Collection
from tests.unit.receipt_ops.terminal.test_cli import CONNECTION

NOT_ANSWERED = "the Chroma server did not answer"


class Reader:
    """A reader whose server answers `answers` times.

    As on a server target, `refresh` reads only the manifest.
    """

    version = 1

    def __init__(self, answers: int) -> None:
        self.answers = answers

    def refresh(self) -> bool:
        return True

    def count(self) -> int:
        self.answers -= 1
        if self.answers < 0:
            raise IndexUnavailableError(NOT_ANSWERED)
        return 2_123


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Replace the work. The list gets the number of records of each run that sends."""
    runs: list[int] = []

    class Backfill:
        def left(self, *, resume: bool) -> None:
            assert not resume

    def send(*_: Any) -> Sent:
        runs.append(2_123)
        return Sent(2_123, 0)

    def settle(_: Any, readers: dict[Any, Any], *__: Any) -> None:
        readers["lines"].count()

    for name, value in {
        "connection_of_process": lambda: CONNECTION,
        "check_reachable": lambda _: None,
        "backfill_of": lambda *_: Backfill(),
        "backfill_with_progress": send,
        "count_records": lambda *_: 2_123,
        "settle_with_progress": settle,
    }.items():
        monkeypatch.setattr(module, name, value)
    return runs


def run(monkeypatch: pytest.MonkeyPatch, answers: int, *arguments: str) -> Any:
    @contextmanager
    def readers(_: Any) -> Iterator[dict[str, Reader]]:
        yield {"lines": Reader(answers)}

    monkeypatch.setattr(module, "snapshot_readers", readers)
    return CliRunner().invoke(main, ["backfill", *arguments])


@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]])
def test_with_wait_nothing_is_sent_if_the_index_cannot_be_opened(
    monkeypatch: pytest.MonkeyPatch, sent: list[int], dry_run: list[str]
) -> None:
    result = run(monkeypatch, 0, "--wait", "5", *dry_run)
    assert (result.exit_code, sent) == (2, [])
    assert NOT_ANSWERED in result.stderr


def test_records_that_were_sent_are_counted_though_they_cannot_be_verified(
    monkeypatch: pytest.MonkeyPatch, sent: list[int]
) -> None:
    result = run(monkeypatch, 1, "--wait", "5")
    assert (result.exit_code, sent) == (2, [2_123])
    assert f"2,123 records are sent, but not verified: {NOT_ANSWERED}" in " ".join(
        result.stderr.split()
    )
    assert "receipt-sync verify" in result.stderr


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_differences_that_are_left_are_counted_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, sent: list[int], as_json: list[str]
) -> None:
    """It ended with 1 and without a word."""
    counts = CollectionCounts(version=1, records=10)
    counts.findings[Finding.MISSING] = 3
    verdict = Verdict({Collection.LINES: counts}, [], 1.0)
    monkeypatch.setattr(module, "settle_with_progress", lambda *_: Settled(verdict, False))
    result = run(monkeypatch, 9, "--wait", "5", *as_json)
    assert (result.exit_code, sent) == (1, [2_123])
    assert "3 differences are left" in result.stderr
    assert "`receipt-sync repair`" in result.stderr
    if as_json:
        assert json.loads(result.stdout)["verdict"]["missing"] == 3


@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]])
def test_without_wait_no_index_is_opened(
    monkeypatch: pytest.MonkeyPatch, sent: list[int], dry_run: list[str]
) -> None:
    result = run(monkeypatch, 0, *dry_run)
    assert (result.exit_code, len(sent)) == (0, not dry_run)
    assert "2,123 records" in result.stdout
