"""The command `receipt-sync logs`."""

from datetime import timedelta
from typing import Annotated

import typer
from rich.markup import escape

from receipt_ops.commands.options import MOST_HOURS
from receipt_ops.deployment.function_errors import is_error
from receipt_ops.deployment.tracing import NOISE
from receipt_ops.environment import connection_of_process
from receipt_ops.logs.invocation_reports import failure_of
from receipt_ops.logs.log_events import LogLine
from receipt_ops.logs.log_following import FunctionName
from receipt_ops.logs.wiring import function_logs_of
from receipt_ops.terminal.console import ends_in_a_sentence, output
from receipt_ops.terminal.failures import explained
from receipt_ops.terminal.streamed import line_of
from receipt_sync.clock import SystemClock


@ends_in_a_sentence
def logs_command(
    function: Annotated[
        FunctionName | None, typer.Option("--function", help="Only this function. Default: both.")
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
        found = function_logs_of(connection, function, errors=errors)
        for line in found.lines(clock, timedelta(minutes=minutes), follow=follow):
            _show(line, as_json=as_json)


def _show(line: LogLine, *, as_json: bool) -> None:
    content = line.content or {}
    fields = {name: value for name, value in content.items() if name not in NOISE}
    failure = failure_of(line) if content else None
    what = failure or str(content.get("message", "")) if content else line.text.strip()
    if as_json:
        seen = {"at": line.at, "function": line.function, "error": is_error(line), "what": what}
        document = {**seen, "request_id": content.get("request_id"), "fields": fields}
        typer.echo(line_of(document))
        return
    details = ", ".join(f"{name}={value}" for name, value in fields.items())
    style = "red" if is_error(line) else "bold"
    output().print(
        f"{line.at:%H:%M:%S} [{style}]{line.function}[/{style}] {escape(what)} "
        f"[dim]{escape(details)}[/dim]",
        soft_wrap=True,
    )
