"""The question before a command deletes or overwrites something permanently."""

import sys
from typing import Annotated

import typer

from receipt_ops.errors import OperationError

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for a confirmation.")]


class NotConfirmedError(OperationError):
    """The operator has not confirmed a command, so the command has done nothing."""


def confirm(what: str, *, yes: bool) -> None:
    """Return if the operator or --yes confirms `what`, a sentence without a full stop.

    On a terminal this asks the operator. Without a terminal, the command needs --yes. Raises
    NotConfirmedError, and KeyboardInterrupt for Ctrl-C. A caller must not write anything before.
    """
    if yes:
        return
    if not is_terminal():
        raise NotConfirmedError(
            f"{what}. The command did nothing, because it can't ask for a confirmation without "
            "a terminal: run it again with --yes"
        )
    try:
        agreed = typer.confirm(f"{what}. Continue?", err=True)
    except typer.Abort as abort:  # Click raises it for Ctrl-C and for the end of the input.
        if isinstance(abort.__context__, KeyboardInterrupt):
            raise abort.__context__ from None
        agreed = False
    if not agreed:
        raise NotConfirmedError("the command did nothing, because you did not confirm it")


def is_terminal() -> bool:
    """Return whether the command can ask the operator. Questions go to standard error."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))
