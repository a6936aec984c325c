"""The command `receipt-sync trace`."""

import re
from datetime import timedelta
from typing import Annotated

import typer
from rich.markup import escape

from operations.commands.options import MOST_HOURS, AsJson
from operations.connection import Connection
from operations.console import ends_in_a_sentence, notes, output, print_json
from operations.dead_letters.boxes import boxes_of
from operations.dead_letters.naming import names_in_logs
from operations.deployment.discovery import Deployment
from operations.deployment.log_events import CloudWatchLogs
from operations.deployment.tracing import Step, name_in_logs, together, trace
from operations.environment import connection_of_process
from operations.exit_codes import ExitCode
from operations.failures import explained
from receipt_sync.clock import SystemClock


@ends_in_a_sentence
def trace_command(
    text: Annotated[
        str,
        typer.Argument(
            metavar="MESSAGE_ID",
            help="Id of a message, request or entity, or sequence number of a parked record.",
        ),
    ],
    hours: Annotated[
        float, typer.Option(help="Hours of logs to search.", min=0.01, max=MOST_HOURS)
    ] = 24,
    as_json: AsJson = False,
) -> None:
    """Show the path of one change through the logs of both functions.

    The output holds every line that contains the whole id, and every line of their invocations. A
    part of an id finds nothing. For a dead letter, give its own id from `dlq show`, or the id of
    the original message. The logs hold only the original id, so the command looks the letter up in
    the dead-letter queues.

    Exit code 0: found. 1: no line of that time contains the id.

    Example: receipt-sync trace 0c9d4b6e-2a4f-4a86-9d0e-6c1f3f1f6b55 --hours 2
    """
    if not re.search(r"\w", text):  # Every line would contain it.
        raise typer.BadParameter(
            "the id has no letter and no digit: give the id of a message, a request or an entity"
        )
    connection = connection_of_process()
    with explained(connection), notes().status("reading the logs"):
        found = _trace(connection, text, timedelta(hours=hours))
    if as_json:
        print_json({"steps": [step._asdict() for step in found]})
    else:
        _show(found)
    if not found:
        raise typer.Exit(ExitCode.VERDICT)


def _trace(connection: Connection, text: str, back: timedelta) -> list[Step]:
    deployment = Deployment(connection)
    functions = (deployment.stream_processor, deployment.compactor)
    groups = {function.name: function.log_group for function in functions}
    logs, since = CloudWatchLogs(connection.logs, groups), SystemClock().now() - back
    found = trace(logs, groups, name_in_logs(text), since)
    if found:
        return found
    # Look for a letter last, because each look counts as a receive.
    names = names_in_logs(boxes_of(connection, deployment, None), text)
    return together(trace(logs, groups, name, since) for name in names)


def _show(found: list[Step]) -> None:
    console = output()
    if not found:
        console.print("no line of the logs contains this id")
    for step in found:
        fields = ", ".join(f"{name}={value}" for name, value in step.fields.items())
        head = f"{step.at:%H:%M:%S.%f}"[:-3]
        mark = "→" if step.named else " "
        console.print(
            f"{mark} {head} [bold]{step.function}[/bold] {escape(step.what)} "
            f"[dim]{escape(fields)}[/dim]",
            soft_wrap=True,
        )
