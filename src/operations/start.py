"""Entry point of `receipt-sync`: every end of its process has an exit code of the table."""

import gc
import sys
import traceback
from typing import Any, Final

from operations import standard_streams
from operations.exit_codes import ExitCode
from operations.signals import ending_at_once
from operations.standard_streams import OutputError

ALLOCATIONS: Final = 30_000
"""The surplus of created over freed objects at which Python looks for garbage.

Python's default of 700 adds about 0.07 s of CPU time to a start. Imports make hardly any garbage.
"""


def main() -> None:
    """Load the command line and run it."""
    gc.set_threshold(ALLOCATIONS)
    standard_streams.check_writes()
    try:
        try:
            _command_line()()
        finally:
            standard_streams.flush()
    except OutputError as error:
        if not error.is_closed_pipe:
            standard_streams.tell(str(error))
        raise SystemExit(ExitCode.FAILURE) from error
    except Exception as error:  # An error outside of a command, such as an unreadable module.
        from operations.unexpected import sentence_of

        if "--debug" in sys.argv:
            traceback.print_exception(error)
        standard_streams.tell(sentence_of(error))
        raise SystemExit(ExitCode.FAILURE) from error
    finally:
        standard_streams.discard()


def _command_line() -> Any:
    with ending_at_once():
        # Import this here, so that the block covers these imports too.
        from operations.cli import main as command_line
    return command_line
