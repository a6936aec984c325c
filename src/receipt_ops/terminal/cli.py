"""The command line of the operator, `receipt-sync`.

It imports no module of a command. A call imports the module of its command.
"""

from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Final

import typer

from receipt_ops.terminal.command_table import COMMANDS
from receipt_ops.terminal.lazy_commands import LazyGroup
from receipt_ops.terminal.process import DEBUG, take_any_text
from receipt_ops.terminal.signals import end_in_order

_DISTRIBUTION: Final = "receipt-chroma-sync"


class Commands(LazyGroup):
    """All commands of `receipt-sync`."""

    declared = COMMANDS


main = typer.Typer(
    name="receipt-sync",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,  # Local variables hold receipt text.
)


def _print_version(wanted: bool) -> None:
    if not wanted:
        return
    try:
        typer.echo(f"receipt-sync {version(_DISTRIBUTION)}")
    except PackageNotFoundError as error:
        raise typer.BadParameter(
            f"{_DISTRIBUTION} is not installed, so its version is not known: run `make install`"
        ) from error
    raise typer.Exit


@main.callback()
def options(
    debug: Annotated[
        bool,
        typer.Option(
            "--debug",
            envvar="RECEIPT_SYNC_DEBUG",
            help="Also print the traceback of an error. It may hold receipt text.",
        ),
    ] = False,
    show_version: Annotated[  # noqa: ARG001 the callback has printed it
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Load receipts, search them, and prove that the Chroma index equals the DynamoDB table.

    DYNAMODB_TABLE, COMPACTION_QUEUE_URL and SNAPSHOT_BUCKET name the AWS system to work on. For a
    local AWS, set AWS_ENDPOINT_URL too. Without these variables, every command uses the local AWS
    that `make up` started.
    """
    DEBUG.set(debug)
    end_in_order()
    take_any_text()
