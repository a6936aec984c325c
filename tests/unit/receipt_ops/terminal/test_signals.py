"""Signals end a command in order, and never in the middle of what must be done as a whole."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer

from receipt_ops.terminal.console import ends_in_a_sentence
from receipt_ops.terminal.exit_codes import ExitCode
from receipt_ops.terminal.signals import end_in_order, ending_at_once, uninterrupted

ENDING = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def handlers() -> Iterator[None]:
    """Set the handlers of a command for the block."""
    before = {number: signal.getsignal(number) for number in ENDING}
    end_in_order()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, ExitCode.TERMINATED), (signal.SIGHUP, ExitCode.HUNG_UP)],
)
def test_a_command_that_is_ended_cleans_up_and_says_by_what(
    number: signal.Signals, code: ExitCode
) -> None:
    """Python ends at SIGHUP, when a terminal or an SSH connection closes, without any finally."""
    left: list[str] = ["receipt"]

    @ends_in_a_sentence
    def command() -> None:
        try:
            os.kill(os.getpid(), number)
        finally:
            left.clear()

    with handlers(), pytest.raises(typer.Exit) as raised:
        command()
    assert (raised.value.exit_code, left) == (code, [])
    assert code == 128 + number


@pytest.mark.parametrize("number", [signal.SIGINT, *ENDING])
def test_a_signal_waits_for_the_end_of_what_is_done_as_a_whole(number: signal.Signals) -> None:
    done: list[int] = []

    def whole() -> None:
        with uninterrupted():
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), number)
            done.append(1)

    with handlers(), pytest.raises(KeyboardInterrupt):
        whole()
    assert done == [1]


def test_a_command_under_nohup_outlives_its_terminal() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        end_in_order()
        with uninterrupted():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


INTERRUPTED_WHILE_LOADING = """
import os, runpy, sys

_, module, number = sys.argv

class Finder:
    def find_spec(self, name, *_):
        if name == module:
            os.kill(os.getpid(), int(number))

sys.meta_path.insert(0, Finder())
sys.argv = ["receipt-sync", "status"]
runpy.run_module("receipt_ops", run_name="__main__")
"""


@pytest.mark.parametrize(
    "module", ["receipt_ops.terminal.cli", "receipt_ops.commands.observation.status"]
)
@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, ExitCode.INTERRUPTED),
        (signal.SIGTERM, ExitCode.TERMINATED),
        (signal.SIGHUP, ExitCode.HUNG_UP),
    ],
)
def test_a_signal_while_modules_are_loading_prints_no_traceback(
    module: str, number: signal.Signals, code: ExitCode
) -> None:
    """Some commands load for a second, so the first Ctrl-C often comes in it."""
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_WHILE_LOADING, module, str(int(number))],
        check=False,
        capture_output=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (code, b"")


def test_the_handlers_of_before_are_back_once_the_modules_are_loaded() -> None:
    before = {number: signal.getsignal(number) for number in ENDING}
    with ending_at_once():
        assert all(signal.getsignal(number) != before[number] for number in ENDING)
    assert {number: signal.getsignal(number) for number in ENDING} == before


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("AWS_PROFILE", "nowhere", "The config profile (nowhere) could not be found: set AWS_"),
        ("AWS_CONFIG_FILE", "{folder}/broken", "AWS can't be called: Unable to parse config file"),
    ],
)
def test_a_broken_aws_configuration_is_one_sentence(
    tmp_path: Path, variable: str, value: str, sentence: str
) -> None:
    (tmp_path / "broken").write_text("this is [ no configuration\n")
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "receipt_ops", "status"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={
            **os.environ,
            "DYNAMODB_TABLE": "t",
            "COMPACTION_QUEUE_URL": "http://127.0.0.1:9/q",
            "SNAPSHOT_BUCKET": "b",
            variable: value.format(folder=tmp_path),
        },
    )
    assert ended.returncode == ExitCode.FAILURE
    assert ended.stderr.startswith(f"receipt-sync: {sentence}")
    assert ended.stderr.count("\n") == 1
