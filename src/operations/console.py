"""What commands show: results on standard output, progress and errors on standard error."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from receipt_sync.errors import SyncError

USAGE_ERROR = 2
"""Exit code for what is wrong with the call, the environment or AWS; 1 is a verdict."""

P = ParamSpec("P")
T = TypeVar("T")


def output() -> Console:
    """Where results go. Made anew each time, as standard output may have been redirected."""
    return Console()


def notes() -> Console:
    """Where everything else goes."""
    return Console(stderr=True)


def print_json(content: Any) -> None:
    """A result for programs: one JSON document, nothing else."""
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False, default=str))


def ends_in_a_sentence(command: Callable[P, T]) -> Callable[P, T]:
    """Turn our own errors into a sentence and exit code 2, in place of a traceback."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except SyncError as error:
            typer.echo(f"receipt-sync: {error}", err=True)
            raise typer.Exit(USAGE_ERROR) from error

    return wrapped


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """Bars that vanish once done; add a task a bar."""
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
