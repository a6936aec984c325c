"""The command `receipt-sync trace`."""

import re
from datetime import timedelta
from typing import Annotated, Final

import typer
from rich.markup import escape

from receipt_ops.commands.options import MOST_HOURS, AsJson
from receipt_ops.deployment.tasks import trace_change
from receipt_ops.deployment.tracing import Step
from receipt_ops.environment import connection_of_process
from receipt_ops.terminal.console import ends_in_a_sentence, notes, output, print_json
from receipt_ops.terminal.exit_codes import ExitCode
from receipt_ops.terminal.failures import explained

LONGEST_ID: Final = 1_000
"""Characters of an id. A filter pattern has at most 1,024, and the quotes belong to it:
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""


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
    the original message. The logs hold only the original id, so the command looks the dead letter
    up in the dead-letter queues.

    Exit code 0: found. 1: no line of that time contains the id.

    Example: receipt-sync trace 0c9d4b6e-2a4f-4a86-9d0e-6c1f3f1f6b55 --hours 2
    """
    if not re.search(r"\w", text):  # Every line would contain it.
        raise typer.BadParameter(
            "the id has no letter and no digit: give the id of a message, a request or an entity"
        )
    if len(text) > LONGEST_ID:
        raise typer.BadParameter(
            f"the id has {len(text):,} characters, and CloudWatch searches for at most "
            f"{LONGEST_ID:,}: give the id of a message, a request or an entity"
        )
    connection = connection_of_process()
    with explained(connection), notes().status("reading the logs"):
        found = trace_change(connection, text, timedelta(hours=hours))
    if as_json:
        print_json({"steps": [step._asdict() for step in found]})
    else:
        _show(found)
    if not found:
        raise typer.Exit(ExitCode.VERDICT)


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
