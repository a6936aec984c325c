"""How a command ends if its standard output or standard error cannot be written."""

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

PROGRAM = """
import os
import socket
import sys

import typer

from receipt_ops.terminal.command_table import COMMANDS
from receipt_ops.terminal.console import ends_in_a_sentence, notes, output, print_json
from receipt_ops.terminal.lazy_commands import Declared
from receipt_ops.start import main

def printing(code: int = 0) -> None:
    output().print("printed")
    raise typer.Exit(code)

def document(code: int = 0) -> None:
    print_json({"printed": "x" * 100_000})
    raise typer.Exit(code)

def noting(code: int = 0) -> None:
    notes().print("noted")
    raise typer.Exit(code)

def failing() -> None:
    raise ValueError

def disconnected() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    ours.send(b"x")

for command in (printing, document, noting, failing, disconnected):
    name = command.__name__
    globals()[name] = ends_in_a_sentence(command)
    COMMANDS[name] = Declared(f"__main__:{name}", "")
if "missing" in sys.argv:
    COMMANDS["missing"] = Declared("", "")
    from receipt_ops.terminal import lazy_commands
    def unreadable(*_):
        raise PermissionError(13, "Permission denied", "/a/module.py")
    def broken(*_):
        raise ImportError("no module of this name")
    lazy_commands._import = broken if "--broken" in sys.argv else unreadable
main()
"""
NO_SHELL = """
import typer.completion
typer.completion._get_shell_name = lambda: None
"""
FULL = "/dev/full"
PRINTING = [
    "--version",
    "--help",
    "lock show --help",
    "printing",
    "printing --code 1",
    "document",
    "document --code 1",
]
"""Calls that print a result: without a command, with success, and with a verdict."""


def ended(
    line: str, *, out: int | str, err: int | str = subprocess.PIPE, **environment: str
) -> subprocess.CompletedProcess[str]:
    with ExitStack() as stack:
        stdout, stderr = (
            stack.enter_context(Path(stream).open("w")) if isinstance(stream, str) else stream
            for stream in (out, err)
        )
        return subprocess.run(
            [sys.executable, "-c", PROGRAM, *line.split()],
            env={**os.environ, **environment},
            stdout=stdout,
            stderr=stderr,
            text=True,
            check=False,
        )


def closed_pipe() -> int:
    """Return the end of a pipe without a reader."""
    read, write = os.pipe()
    os.close(read)
    return write


@pytest.mark.parametrize("buffered", ["", "1"])
@pytest.mark.parametrize("line", PRINTING)
def test_a_reader_that_closes_the_pipe_early_is_a_failure_without_a_word(
    line: str, buffered: str
) -> None:
    pipe = closed_pipe()
    try:
        found = ended(line, out=pipe, PYTHONUNBUFFERED=buffered)
    finally:
        os.close(pipe)
    assert (found.returncode, found.stderr) == (2, "")


@pytest.mark.parametrize("buffered", ["", "1"])
@pytest.mark.parametrize("line", PRINTING)
def test_a_full_output_is_named_as_the_output(line: str, buffered: str) -> None:
    found = ended(line, out=FULL, PYTHONUNBUFFERED=buffered)
    assert found.returncode == 2
    assert found.stderr == ("receipt-sync: the output can't be written: No space left on device\n")


@pytest.mark.parametrize("line", [*PRINTING, "failing", "nonsense", "noting", "noting --code 1"])
def test_full_output_and_error_are_a_failure(line: str) -> None:
    assert ended(line, out=FULL, err=FULL).returncode == 2


@pytest.mark.parametrize(
    ("line", "code"),
    [("printing", 0), ("printing --code 1", 1), ("failing", 2), ("nonsense", 2), ("noting", 2)],
)
def test_a_full_standard_error_is_a_failure_only_if_the_command_writes_to_it(
    line: str, code: int
) -> None:
    assert ended(line, out=subprocess.PIPE, err=FULL).returncode == code


def test_another_error_of_the_machine_is_not_blamed_on_the_output() -> None:
    found = ended("missing", out=subprocess.PIPE)
    assert found.returncode == 2
    assert found.stderr == (
        "receipt-sync: /a/module.py can't be used (Permission denied): "
        "change its permissions, or name another path\n"
    )


def test_an_unexpected_error_outside_of_a_command_is_a_sentence_and_a_failure() -> None:
    done = ended("missing --broken", out=subprocess.PIPE)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "the command ended in an unexpected ImportError" in done.stderr


def test_a_connection_that_breaks_is_not_taken_for_the_output() -> None:
    found = ended("disconnected", out=subprocess.PIPE)
    assert found.returncode == 2
    assert found.stderr == "receipt-sync: a file or a connection can't be used: Broken pipe\n"


def test_text_that_the_encoding_lacks_is_still_escaped() -> None:
    found = ended("--help", out=subprocess.PIPE, PYTHONIOENCODING="ascii:backslashreplace")
    assert (found.returncode, found.stderr) == (0, "")


def test_an_output_that_takes_only_the_first_bytes_is_a_failure(tmp_path: Path) -> None:
    """A text stream that writes through ignores how many bytes a write has taken."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (5, 5))\n{PROGRAM}"
    with (tmp_path / "out").open("w") as out:
        found = subprocess.run(
            [sys.executable, "-c", limit, "printing"],
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (tmp_path / "out").stat().st_size == 5
    assert found.returncode == 2
    assert "the output can't be written" in found.stderr


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
)
def test_a_signal_outside_of_a_command_has_its_exit_code(number: int, code: int) -> None:
    """A help that waits for its reader ended with 130 after every signal."""
    program = PROGRAM.replace("main()", "import typer.rich_utils, os, signal\nmain()")
    raises = (
        "import typer.core\n"
        "def format_help(*_):\n"
        f"    os.kill(os.getpid(), {int(number)})\n"
        "    import time; time.sleep(20)\n"
        "typer.core.TyperCommand.format_help = format_help\n"
    )
    program = program.replace("import typer.rich_utils", f"{raises}import typer.rich_utils")
    program = f"import os\n{program}"
    found = subprocess.run(
        [sys.executable, "-c", program, "printing", "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, "Traceback" in found.stderr) == (code, False)


def test_a_call_without_a_command_gives_no_verdict() -> None:
    """Typer ends the completion with 1 if it finds no shell."""
    program = PROGRAM.replace("main()", f"{NO_SHELL}main()")
    found = subprocess.run(
        [sys.executable, "-c", program, "--show-completion"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 2
