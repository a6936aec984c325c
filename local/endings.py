"""The end of a development command at an error.

A known error is one sentence. An unexpected one keeps its traceback, because the command runs in a
checkout, on a developer's machine.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import typer
from botocore.exceptions import BotoCoreError, ClientError

from receipt_sync.errors import SyncError

FAILED: Final = 2
"""Exit code for every error in the call, the folder or the endpoint."""


@contextmanager
def ends_in_a_sentence(program: str) -> Iterator[None]:
    """Turn a known error of the function or block into one sentence and exit code 2."""
    try:
        yield
    except (SyncError, ClientError, BotoCoreError) as error:
        typer.echo(f"{program}: {error}", err=True)
        raise typer.Exit(FAILED) from error
