"""Shows the steps of a command with their durations, and the status of the local AWS.

Results go to standard output, progress and errors to standard error, as in receipt-sync.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.markup import escape
from rich.table import Table

from local.progress import Counter
from local.status import Status
from receipt_ops.terminal.console import notes, output, progress_bars


@contextmanager
def timed(text: str) -> Iterator[None]:
    """Run the block, and then print `text` and the duration. The block shows its own progress."""
    began = time.monotonic()
    yield
    seconds = time.monotonic() - began
    notes().print(f"[green]✓[/] {escape(text)} [dim]({seconds:.1f} s)[/]", soft_wrap=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Show that a step runs, and then its duration."""
    with timed(text), notes().status(escape(text)):
        yield


@contextmanager
def counted(text: str) -> Iterator[Counter]:
    """Show the progress of a step, and then its duration."""
    with timed(text), progress_bars() as bars:
        task = bars.add_task(escape(text), total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total or None)


def print_status(status: Status) -> None:
    """Print the status as two tables."""
    console = output()
    process = f"MiniStack, process {status.pid}" if status.pid else "not started here"
    console.print(f"endpoint {status.endpoint} ({process})", soft_wrap=True)
    console.print(f"table    {status.table}\nbucket   {status.bucket}", soft_wrap=True)
    functions = Table("function", "state", "mapping", "last result")
    for function in status.functions:
        functions.add_row(function.name, function.state, function.mapping, function.last_result)
    queues = Table("queue", "waiting", "in flight")
    for queue in status.queues:
        queues.add_row(queue.name, str(queue.visible), str(queue.in_flight))
    console.print(functions, queues)
