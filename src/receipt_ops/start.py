"""Entry point of `receipt-sync`: every end of its process has an exit code of the table."""

import gc
import sys
import traceback
from importlib.util import find_spec
from typing import Any, Final

from receipt_ops.terminal import signals, standard_streams
from receipt_ops.terminal.exit_codes import ExitCode
from receipt_ops.terminal.process import CALLED
from receipt_ops.terminal.standard_streams import OutputError

ALLOCATIONS: Final = 30_000
"""The surplus of created over freed objects at which Python looks for garbage.

Python's default of 700 adds about 0.07 s of CPU time to a start. Imports make hardly any garbage.
"""


_NEEDED: Final = ("localstack_client", "rich", "typer")
"""The modules of the extra `cli`. chromadb brings some of them, in versions that it chooses."""


def main() -> None:
    """Load the command line and run it."""
    gc.set_threshold(ALLOCATIONS)
    standard_streams.check_writes()
    try:
        try:
            _command_line()()
        finally:
            standard_streams.flush()
    except SystemExit as end:
        raise SystemExit(_corrected(end.code)) from end
    except OutputError as error:
        if not error.is_closed_pipe:
            standard_streams.report(str(error))
        raise SystemExit(ExitCode.FAILURE) from error
    except BaseException as error:
        # An error outside of a command, such as an unreadable module, or a panic of Chroma's core.
        if not isinstance(error, Exception) and not _is_panic(error):
            raise
        from receipt_ops.terminal.unexpected import sentence_of

        if "--debug" in sys.argv:
            traceback.print_exception(error)
        standard_streams.report(sentence_of(error))
        raise SystemExit(ExitCode.FAILURE) from error
    finally:
        standard_streams.discard()


def _is_panic(error: BaseException) -> bool:
    """Return whether Chroma's Rust core panicked, for example because it may open no more files.

    PyO3 derives its PanicException from BaseException: https://docs.rs/pyo3/latest/pyo3/panic/
    """
    return type(error).__name__ == "PanicException"


def _corrected(code: Any) -> Any:
    """Return the exit code of the table for an end that Click or Typer chose.

    They end with 130 after every signal, and with 1, which means a verdict, without a command.
    """
    if code == ExitCode.INTERRUPTED:
        return signals.exit_code() or code
    if code == ExitCode.VERDICT and not CALLED.get():
        return ExitCode.FAILURE
    return code


def _command_line() -> Any:
    if not all(map(find_spec, _NEEDED)):
        sys.stderr.write(
            "receipt-sync needs more packages: pip install 'receipt-chroma-sync[cli]'\n"
        )
        raise SystemExit(ExitCode.FAILURE)
    with signals.ending_at_once():
        # Import this here, so that the block covers these imports too.
        from receipt_ops.terminal.cli import main as command_line
    return command_line
