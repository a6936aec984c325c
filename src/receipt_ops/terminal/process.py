"""The settings of a command's process: tracebacks of errors, and the escapes of its output.

This module imports no other part of the project, so that the command line starts fast.
"""

import sys
from contextvars import ContextVar
from io import TextIOWrapper

DEBUG: ContextVar[bool | None] = ContextVar("DEBUG", default=None)
"""Whether --debug was given; None in a program without this option."""

CALLED: ContextVar[bool] = ContextVar("CALLED", default=False)
"""Whether the call has named a command. Without one, no exit code can mean a verdict."""


def take_any_text() -> None:
    """Make standard output and error print characters that their encoding lacks as escapes.

    A text of a queue or a log may hold half a surrogate pair, which no encoding has. In a JSON
    document this escape is the escape of JSON itself.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
