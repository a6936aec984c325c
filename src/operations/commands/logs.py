"""The command `receipt-sync logs`."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

import typer
from rich.markup import escape

from operations.commands.options import MOST_HOURS
from operations.connection import Connection
from operations.console import ends_in_a_sentence, output
from operations.deployment.discovery import Deployment, Function
from operations.deployment.function_errors import error_lines, is_error
from operations.deployment.log_events import CloudWatchLogs, LogLine
from operations.deployment.told_lines import LATE, Told, in_order
from operations.deployment.tracing import NOISE
from operations.environment import connection_of_process
from operations.failures import explained
from operations.streamed import line_of
from receipt_sync.clock import Clock, SystemClock

_POLL_SECONDS = 2.0
_RUNTIME = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START")


class Of(StrEnum):
    """Names the functions."""

    STREAM = "stream"
    COMPACTOR = "compactor"


@ends_in_a_sentence
def logs_command(
    function: Annotated[
        Of | None, typer.Option("--function", help="Only this function. Default: both.")
    ] = None,
    errors: Annotated[
        bool, typer.Option("--errors", help="Only lines that report an error.")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Show new lines too, until Ctrl-C.")
    ] = False,
    minutes: Annotated[
        float, typer.Option(help="Minutes before now to show.", min=0.1, max=60 * MOST_HOURS)
    ] = 15,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document in each line.")
    ] = False,
) -> None:
    """Show the logs of both functions: time, function, event and details, one event in a line.

    The output leaves out metrics, and the runtime's own lines about each invocation unless they
    report an error. `receipt-sync trace` follows one change.

    Example: receipt-sync logs --errors --minutes 60

    Example: receipt-sync logs --follow --function compactor
    """
    connection, clock = connection_of_process(), SystemClock()
    with explained(connection):
        found = _Functions(connection, function, errors=errors)
        for line in found.lines(clock, timedelta(minutes=minutes), follow=follow):
            _show(line, as_json=as_json)


class _Functions:
    """The logs of some functions."""

    def __init__(self, connection: Connection, only: Of | None, *, errors: bool) -> None:
        deployment = Deployment(connection)
        wanted = [only] if only else list(Of)
        functions: list[Function] = [
            deployment.stream_processor if one is Of.STREAM else deployment.compactor
            for one in wanted
        ]
        self._groups = {one.name: one.log_group for one in functions}
        self._logs, self._errors = CloudWatchLogs(connection.logs, self._groups), errors

    def lines(self, clock: Clock, back: timedelta, *, follow: bool) -> Iterator[LogLine]:
        """Yield each line once, oldest first. With `follow`, also yield new lines."""
        since, late = clock.now() - back, LATE + timedelta(seconds=_POLL_SECONDS)
        told = Told(late)
        while True:
            for line in in_order(self._of(name, since) for name in self._groups):
                if told.is_new(line, now=clock.now()):
                    yield line
            if not follow:
                return
            clock.sleep(_POLL_SECONDS)
            since = max(since, clock.now() - late)

    def _of(self, name: str, since: datetime) -> Iterable[LogLine]:
        if self._errors:
            return error_lines(self._logs, name, since)
        return (line for line in self._logs.lines(name, since) if _is_told(line))


def _is_told(line: LogLine) -> bool:
    if line.content is not None:
        return "_aws" not in line.content
    return is_error(line) or not line.text.startswith(_RUNTIME)


def _show(line: LogLine, *, as_json: bool) -> None:
    content = line.content or {}
    fields = {name: value for name, value in content.items() if name not in NOISE}
    what = str(content.get("message", "")) if content else line.text.strip()
    if as_json:
        told = {"at": line.at, "function": line.function, "error": is_error(line), "what": what}
        document = {**told, "request_id": content.get("request_id"), "fields": fields}
        typer.echo(line_of(document))
        return
    details = ", ".join(f"{name}={value}" for name, value in fields.items())
    style = "red" if is_error(line) else "bold"
    output().print(
        f"{line.at:%H:%M:%S} [{style}]{line.function}[/{style}] {escape(what)} "
        f"[dim]{escape(details)}[/dim]",
        soft_wrap=True,
    )
