"""Entry point of `receipt-sync`: a signal ends it without a traceback while its modules load."""

import gc
import os
import sys
from importlib.util import find_spec
from typing import Final

from receipt_ops.terminal.exit_codes import ExitCode
from receipt_ops.terminal.signals import ending_at_once

ALLOCATIONS: Final = 30_000
"""The surplus of created over freed objects at which Python looks for garbage.

Python's default of 700 adds about 0.07 s of CPU time to a start. Imports make hardly any garbage.
"""


_NEEDED: Final = ("localstack_client", "rich", "typer")
"""The modules of the extra `cli`. chromadb brings some of them, in versions that it chooses."""


def main() -> None:
    """Load the command line and run it."""
    gc.set_threshold(ALLOCATIONS)
    if not all(map(find_spec, _NEEDED)):
        sys.stderr.write(
            "receipt-sync needs more packages: pip install 'receipt-chroma-sync[cli]'\n"
        )
        raise SystemExit(ExitCode.FAILURE)
    with ending_at_once():
        # Import this here, so that the block covers these imports too.
        from receipt_ops.terminal.cli import main as command_line

    try:
        try:
            command_line()
        finally:
            if sys.stdout is not None:  # None if the caller closed it
                sys.stdout.flush()
    except OSError as error:
        # Help and version are printed outside of a command. Python's own flush at the end would
        # fail again.
        if sys.stdout is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            sys.stderr.write(f"receipt-sync: the output can't be written: {error.strerror}\n")
        raise SystemExit(ExitCode.FAILURE) from error
