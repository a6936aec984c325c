"""How every command ends when something unforeseen happens: one sentence, exit code 2."""

import errno
import re
import resource
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import botocore.client
import pytest
import typer
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from receipt_ops.terminal import confirmation
from receipt_ops.terminal.cli import main
from receipt_ops.terminal.confirmation import NotConfirmedError, confirm
from receipt_ops.terminal.console import ends_in_a_sentence, output
from receipt_ops.terminal.exit_codes import MEANINGS, ExitCode
from receipt_ops.terminal.unexpected import machine_fault, sentence_of
from receipt_ops.verification.verify import without_vector
from receipt_sync.errors import IndexFailedError, WorkspaceFullError
from receipt_sync.keys import parse_chroma_id
from tests.unit.receipt_ops.fakes import InMemorySnapshot
from tests.unit.receipt_ops.terminal.test_commands import COMMANDS, call, options, run

SECRET = "FLAT WHITE 4.50"
SOME = ("status", "verify", "dlq drop", "load", "alerts list")
"""Commands of each kind: what all of them share is the decorator and the connection."""
ENVIRONMENT = {
    "DYNAMODB_TABLE": "t",
    "COMPACTION_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/000000000000/q",
    "SNAPSHOT_BUCKET": "bucket",
}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Exception], None]:
    """Makes every call of AWS raise."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("receipt_sync.clock.time.sleep", lambda _: None)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)

    def fail_with(error: Exception) -> None:
        def fail(*_: Any) -> None:
            raise error

        monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", fail)

    return fail_with


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unexpected_error_is_a_failure_and_no_verdict(
    command: str, aws: Callable[[Exception], None]
) -> None:
    aws(ZeroDivisionError(SECRET))
    result = run(call(command))
    assert result.exit_code == ExitCode.FAILURE
    last = result.stderr.splitlines()[-1]
    assert last.startswith("receipt-sync: the command ended in an unexpected ZeroDivisionError at ")
    assert "--debug" in last
    assert SECRET not in result.output
    assert "Traceback" not in result.output


def test_an_unexpected_error_of_another_package_names_its_file_and_line() -> None:
    odd: Any = 5
    with pytest.raises(AttributeError) as found:
        parse_chroma_id(odd)
    assert re.search(r" at receipt_sync/keys\.py:\d+$", sentence_of(found.value))


def test_debug_shows_the_traceback_as_well(aws: Callable[[Exception], None]) -> None:
    aws(ZeroDivisionError(SECRET))
    result = run("--debug status")
    assert result.exit_code == ExitCode.FAILURE
    assert "Traceback" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("receipt-sync: the command ended in")


@pytest.mark.parametrize("command", SOME)
def test_a_full_disk_is_one_sentence(command: str, aws: Callable[[Exception], None]) -> None:
    aws(OSError(errno.ENOSPC, "No space left on device"))
    result = run(call(command))
    assert result.exit_code == ExitCode.FAILURE
    last = result.stderr.splitlines()[-1]
    assert last.startswith("receipt-sync: the disk ")
    assert "is full: free some space, or set TMPDIR" in last


@pytest.mark.parametrize("command", SOME)
def test_an_unwritable_temporary_folder_needs_no_traceback(
    command: str, aws: Callable[[Exception], None]
) -> None:
    aws(of_sqlite(sqlite3.SQLITE_CANTOPEN, "unable to open database file"))
    result = run(call(command))
    assert result.exit_code == ExitCode.FAILURE
    last = result.stderr.splitlines()[-1]
    assert last.startswith("receipt-sync: a temporary file can't be used (SQLITE_14): set TMPDIR")
    assert last.endswith(")")


def raised_from(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def of_sqlite(code: int, words: str) -> sqlite3.Error:
    error = sqlite3.OperationalError(words)
    error.sqlite_errorcode, error.sqlite_errorname = code, f"SQLITE_{code}"
    return error


TEMPORARY = tempfile.gettempdir()
"""The folder of temporary files on this machine."""
OURS = f"{TEMPORARY}/receipt-sync-1000/9d0e"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), ["the disk is full: free some space"]),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), ["the disk is full"]),
        (
            raised_from(IndexFailedError("x"), RuntimeError("(code: 13) database or disk is full")),
            ["the disk is full", "TMPDIR", f"temporary files go to {TEMPORARY})"],
        ),
        (
            of_sqlite(sqlite3.SQLITE_FULL, "database or disk is full"),
            ["the disk is full", "TMPDIR", TEMPORARY, "/var/tmp"],
        ),
        (
            of_sqlite(sqlite3.SQLITE_CANTOPEN, "unable to open database file"),
            ["set TMPDIR to a writable folder", TEMPORARY, "/var/tmp"],
        ),
        (
            of_sqlite(sqlite3.SQLITE_READONLY_DIRECTORY, "attempt to write a readonly database"),
            ["set TMPDIR to a writable folder"],
        ),
        (of_sqlite(sqlite3.SQLITE_IOERR_WRITE, "disk I/O error"), ["set TMPDIR"]),
        (RuntimeError("can't start new thread"), ["no thread can be started", "`ulimit -v`"]),
        (of_sqlite(sqlite3.SQLITE_CONSTRAINT, SECRET), ["unexpected OperationalError"]),
        (
            OSError(errno.ENOSPC, "No space left on device", OURS),
            ["the disk is full", "TMPDIR", f"temporary files go to {TEMPORARY})"],
        ),
        (
            OSError(errno.ENOSPC, "No space left on device", "/a/b"),
            ["the disk of /a/b is full: free some space, or name another path"],
        ),
        (
            WorkspaceFullError(f"version 5 needs 9,000 bytes in {OURS}, which has 10"),
            ["version 5 needs 9,000 bytes", f"temporary files go to {TEMPORARY})", "set TMPDIR"],
        ),
        (
            raised_from(
                WorkspaceFullError(f"the disk of {OURS} is full"),
                OSError(errno.ENOSPC, "No space left on device"),
            ),
            [f"the disk of {OURS} is full: free some space, or set TMPDIR"],
        ),
        (OSError(errno.EFBIG, "File too large"), ["ulimit -f"]),
        (
            PermissionError(errno.EACCES, "Permission denied", "/a/b"),
            ["/a/b can't be used (Permission denied): change its permissions"],
        ),
        (OSError(errno.EROFS, "Read-only file system", "/a/b"), ["/a/b can't be used (Read-only"]),
        (
            OSError(errno.EROFS, "Read-only file system", OURS),
            [f"{OURS} can't be used (Read-only", f"temporary files go to {TEMPORARY}", "TMPDIR"],
        ),
        (
            FileExistsError(errno.EEXIST, "File exists", f"{TEMPORARY}/receipt-sync-1000"),
            ["can't be used (File exists)", f"temporary files go to {TEMPORARY}", "TMPDIR"],
        ),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "/a"), ["/a can't be used"]),
        (
            FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp', '/']"),
            ["no writable folder", "(tried '/tmp', '/')", "set TMPDIR to a writable folder"],
        ),
    ],
)
def test_what_is_wrong_with_the_machine_has_its_sentence(
    error: Exception, words: Sequence[str]
) -> None:
    found = sentence_of(error)
    assert [part for part in words if part not in found] == []
    assert SECRET not in found


def test_a_full_disk_is_no_lost_vector() -> None:
    """Each call was halved down to single records, which took minutes and called all lost."""
    calls: list[int] = []

    class OnAFullDisk(InMemorySnapshot):
        def vectors(self, ids: Sequence[str]) -> Any:
            calls.append(len(ids))
            cause = RuntimeError("(code: 13) database or disk is full")
            raise IndexFailedError("Chroma's get failed: InternalError") from cause

    with pytest.raises(IndexFailedError):
        without_vector(OnAFullDisk(), [str(n) for n in range(1_000)])
    assert calls == [1_000]


@pytest.fixture
def few_files() -> Iterator[int]:
    """Lets this process open 40 more files, and returns its limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = len(list(Path("/dev/fd").iterdir())) + 40
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    yield limit
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_too_few_open_files_are_no_lost_vector(few_files: int) -> None:
    """`status` called a sound version damaged, because Chroma could open no more files."""

    class WithFewFiles(InMemorySnapshot):
        def vectors(self, ids: Sequence[str]) -> Any:
            raise IndexFailedError("Chroma's get failed: InternalError")

    with pytest.raises(IndexFailedError) as raised:
        without_vector(WithFewFiles(), ["1"])
    assert sentence_of(raised.value) == (
        f"the command can open no more files, because this shell allows {few_files:,}: raise the "
        f"limit with `ulimit -n {max(256, 2 * few_files)}`, and run it again"
    )
    panic = type("PanicException", (BaseException,), {})("range end index 8 out of range")
    assert "ulimit -n" in sentence_of(panic)


def test_with_enough_open_files_a_failure_of_chroma_counts() -> None:
    assert machine_fault(IndexFailedError("Chroma's get failed: InternalError")) is None
    panic = type("PanicException", (BaseException,), {})("range end index 8 out of range")
    assert "PanicException" in sentence_of(panic)


@pytest.mark.parametrize("command", SOME)
def test_a_file_too_many_is_one_sentence(command: str, aws: Callable[[Exception], None]) -> None:
    """It advised to set TMPDIR."""
    aws(OSError(errno.EMFILE, "Too many open files", OURS))
    result = run(call(command))
    assert result.exit_code == ExitCode.FAILURE
    assert "can open no more files" in result.stderr.splitlines()[-1]
    assert "TMPDIR" not in result.stderr


def test_a_terminal_of_no_width_shows_the_result(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With COLUMNS=0, `status` and `verify` printed nothing."""
    monkeypatch.setenv("COLUMNS", "0")
    output().print("all agree")
    assert capsys.readouterr().out == "all agree\n"


def test_a_verdict_a_question_and_a_wrong_call_pass_through() -> None:
    for error in (typer.Exit(1), typer.Abort(), typer.BadParameter("x")):

        @ends_in_a_sentence
        def command(error: Exception = error) -> None:
            raise error

        with pytest.raises(type(error)):
            command()


def test_every_exit_code_is_explained() -> None:
    assert set(MEANINGS) == set(ExitCode)


# --- what the environment lacks -----------------------------------------------------------------


@pytest.mark.parametrize("command", SOME)
def test_without_a_region_every_command_says_so(
    command: str, monkeypatch: pytest.MonkeyPatch, aws: Callable[[Exception], None]
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    result = run(call(command))
    assert result.exit_code == ExitCode.FAILURE
    assert result.stderr.splitlines()[-1] == "receipt-sync: no AWS region: set AWS_REGION"


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
@pytest.mark.parametrize("endpoint", ["", "http://127.0.0.1:4566"])
@pytest.mark.parametrize("command", SOME)
def test_a_malformed_region_is_one_sentence_about_the_region(
    command: str,
    endpoint: str,
    variable: str,
    monkeypatch: pytest.MonkeyPatch,
    aws: Callable[[Exception], None],
) -> None:
    """It advised to set AWS_ENDPOINT_URL."""
    monkeypatch.setenv(variable, "eu west 1")
    if endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    result = run(call(command))
    assert result.exit_code == ExitCode.FAILURE
    assert result.stderr.splitlines()[-1] == (
        "receipt-sync: 'eu west 1' is not the name of an AWS region: set AWS_REGION to one, such "
        "as eu-west-1"
    )


@pytest.mark.parametrize("command", SOME)
def test_an_unknown_profile_is_one_sentence(
    command: str, monkeypatch: pytest.MonkeyPatch, aws: Callable[[Exception], None]
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "absent")
    result = run(call(command))
    assert result.exit_code == ExitCode.FAILURE
    last = result.stderr.splitlines()[-1]
    assert last.startswith("receipt-sync: The config profile (absent) could not be found: set AWS_")


def test_the_region_is_that_of_aws_region(
    monkeypatch: pytest.MonkeyPatch, aws: Callable[[Exception], None]
) -> None:
    from receipt_ops.environment import connection_of_process

    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert connection_of_process().dynamodb.meta.region_name == "eu-central-1"
    monkeypatch.setenv("AWS_REGION", "")
    assert connection_of_process().dynamodb.meta.region_name == "us-east-1"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ExpiredToken", "does not accept your credentials (ExpiredToken): log in again"),
        ("RequestExpired", "log in again"),
        ("KMSAccessDeniedException", "your credentials lack the permission for Scan"),
        ("AuthorizationError", "your credentials lack the permission for Scan"),
    ],
)
def test_expired_credentials_and_missing_permissions_have_separate_sentences(
    code: str, words: str, aws: Callable[[Exception], None]
) -> None:
    aws(ClientError({"Error": {"Code": code}}, "Scan"))
    result = run("status")
    assert result.exit_code == ExitCode.FAILURE
    assert words in result.stderr.splitlines()[-1]


# --- questions ----------------------------------------------------------------------------------

ASKING = {
    "alerts unsubscribe", "dlq drop", "dlq redrive", "flags set", "lock release", "snapshot gc",
    "snapshot rebuild", "snapshot restore",
}  # fmt: skip


def test_what_deletes_or_overwrites_has_the_option() -> None:
    assert {command for command in COMMANDS if "--yes" in options(command)} >= ASKING


@pytest.mark.parametrize("command", sorted(ASKING))
def test_without_a_terminal_and_yes_nothing_is_asked_of_aws(
    command: str, monkeypatch: pytest.MonkeyPatch, aws: Callable[[Exception], None]
) -> None:
    aws(AssertionError("asked AWS"))
    result = run(call(command).replace("--yes", ""))
    assert result.exit_code == ExitCode.FAILURE
    last = result.stderr.splitlines()[-1]
    assert last.startswith("receipt-sync: this ")
    assert "it can't ask for a confirmation without a terminal: run it again with --yes" in last


@pytest.mark.parametrize("command", sorted(ASKING))
def test_a_dry_run_does_not_ask(command: str, aws: Callable[[Exception], None]) -> None:
    aws(ClientError({"Error": {"Code": "AccessDenied"}}, "Scan"))
    result = run(call(command).replace("--yes", "--dry-run"))
    assert "AWS denied access" in result.stderr


@pytest.mark.parametrize(("answer", "agreed"), [("y\n", True), ("n\n", False), ("", False)])
def test_on_a_terminal_the_person_decides(
    answer: str, agreed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirmation, "is_terminal", lambda: True)
    done: list[str] = []
    program = typer.Typer()

    @program.command()
    @ends_in_a_sentence
    def command() -> None:
        confirm("this deletes all", yes=False)
        done.append("all")

    result = CliRunner().invoke(program, [], input=answer)
    assert done == (["all"] if agreed else [])
    assert result.exit_code == (ExitCode.DONE if agreed else ExitCode.FAILURE)
    assert "this deletes all. Continue?" in result.stderr


def test_ctrl_c_at_the_question_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(confirmation, "is_terminal", lambda: True)
    monkeypatch.setattr("typer._click.termui.visible_prompt_func", interrupted)
    with pytest.raises(KeyboardInterrupt):
        confirm("this deletes all", yes=False)


def test_yes_skips_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: pytest.fail("asked"))
    confirm("this deletes all", yes=True)
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(NotConfirmedError):
        confirm("this deletes all", yes=False)


def test_the_program_has_the_option_that_shows_tracebacks() -> None:
    root: Any = typer.main.get_command(main)
    assert {option for one in root.params for option in one.opts} >= {"--debug"}
