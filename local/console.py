"""Output of the command, for a terminal or a pipe."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from local.progress import Counter
from local.status import Status
from receipt_sync.errors import SyncError

FAILED = 2
"""Exit code for every error in the call, the folder or the endpoint."""

P = ParamSpec("P")
T = TypeVar("T")


def output() -> Console:
    """Return a console for standard output that highlights nothing automatically."""
    return Console(highlight=False, soft_wrap=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Show that a step runs, and then its duration."""
    console = output()
    began = time.monotonic()
    with console.status(text):
        yield
    console.print(f"[green]✓[/] {text} [dim]({time.monotonic() - began:.1f} s)[/]")


@contextmanager
def counted(text: str) -> Iterator[Counter]:
    """Show the progress of a step, and then its duration."""
    console, began = output(), time.monotonic()
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    ) as bars:
        task = bars.add_task(text, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total or None)
    console.print(f"[green]✓[/] {text} [dim]({time.monotonic() - began:.1f} s)[/]")


def ends_in_a_sentence(command: Callable[P, T]) -> Callable[P, T]:
    """Return the command with known errors turned into one sentence and exit code 2."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except (SyncError, ClientError, BotoCoreError) as error:
            typer.echo(f"local: {error}", err=True)
            raise typer.Exit(FAILED) from error

    return wrapped


def print_status(status: Status) -> None:
    """Print the status as two tables."""
    console = output()
    process = f"MiniStack, process {status.pid}" if status.pid else "not started here"
    console.print(f"endpoint {status.endpoint} ({process})")
    console.print(f"table    {status.table}\nbucket   {status.bucket}")
    functions = Table("function", "state", "mapping", "last result")
    for function in status.functions:
        functions.add_row(function.name, function.state, function.mapping, function.last_result)
    queues = Table("queue", "waiting", "in flight")
    for queue in status.queues:
        queues.add_row(queue.name, str(queue.visible), str(queue.in_flight))
    console.print(functions, queues)
