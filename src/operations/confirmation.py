"""Asks before a command deletes or overwrites something that it can't bring back."""

import sys
from typing import Annotated

import typer

from operations.errors import OperationError

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before it is done.")]


class NotConfirmedError(OperationError):
    """Nobody has agreed to what a command is about to do, so it has done nothing."""


def confirm(what: str, *, yes: bool) -> None:
    """Return once a person, or --yes, has agreed to `what`, which is a sentence without a stop.

    On a terminal the person is asked. Elsewhere nobody can be, so --yes is needed. Raises
    NotConfirmedError; nothing may have been written before.
    """
    if yes:
        return
    if not is_terminal():
        raise NotConfirmedError(
            f"{what}: nothing was done, for nobody can be asked here; run it again with --yes"
        )
    try:
        agreed = typer.confirm(f"{what}. Go on?", err=True)
    except typer.Abort:
        agreed = False
    if not agreed:
        raise NotConfirmedError("nothing was done, as you did not agree")


def is_terminal() -> bool:
    """Return whether a person can be asked: questions go to standard error."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))
