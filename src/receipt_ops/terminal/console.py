"""The output of commands: results on standard output, progress and errors on standard error."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from typer.exceptions import TyperException

from receipt_ops.terminal.exit_codes import ExitCode
from receipt_ops.terminal.failures import sentence
from receipt_ops.terminal.process import DEBUG
from receipt_ops.terminal.signals import HungUp, Terminated
from receipt_ops.terminal.standard_streams import OutputError, report
from receipt_ops.terminal.streamed import chunks_of
from receipt_ops.terminal.unexpected import is_of_the_machine, machine_fault, sentence_of
from receipt_sync.errors import SyncError

P = ParamSpec("P")
T = TypeVar("T")
_WIDTH: Final = 80
"""The width if the environment gives 0. Rich uses it too if it knows no width."""


def output() -> Console:
    """Return a console for results. It is new, because a test may have redirected the output."""
    return _with_width(Console())


def notes() -> Console:
    """Return a console for progress and notes, on standard error."""
    return _with_width(Console(stderr=True))


def _with_width(console: Console) -> Console:
    """Give a console a width that can show a table. With COLUMNS=0, Rich prints nothing."""
    if console.width < 1:
        console.width = _WIDTH
    return console


def print_json(content: Any) -> None:
    """Print a result for programs: one JSON document, nothing else."""
    for chunk in chunks_of(content):
        typer.echo(chunk, nl=False)
    typer.echo()


def ends_in_a_sentence(command: Callable[P, T]) -> Callable[P, T]:
    """Return a command that ends an error with one sentence and exit code 2, not a traceback."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except (typer.Exit, typer.Abort, TyperException):
            raise
        except OutputError:  # Nothing of the command is wrong; the entry point ends the process.
            raise
        except Terminated as error:
            report("SIGTERM ended the command")
            raise typer.Exit(ExitCode.TERMINATED) from error
        except HungUp as error:
            raise typer.Exit(ExitCode.HUNG_UP) from error
        except Exception as error:
            if DEBUG.get():
                traceback.print_exception(error)
            report(_words(error))
            raise typer.Exit(ExitCode.FAILURE) from error

    return wrapped


def _words(error: Exception) -> str:
    fault = machine_fault(error)
    if fault is not None:
        return fault
    if isinstance(error, SyncError):
        return str(error)
    if isinstance(error, ClientError | BotoCoreError):
        return sentence(error)
    if DEBUG.get() is False and not is_of_the_machine(error):
        return (
            f"{sentence_of(error)}: run it again as `receipt-sync --debug …`, and report the "
            "traceback"
        )
    return sentence_of(error)


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """Give progress bars for a `with` block. They vanish at its end. Add one task for each bar."""
    with Progress(
        TextColumn("{task.description:<18}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=notes(),
        transient=True,
    ) as progress:
        yield progress
