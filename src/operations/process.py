"""What a command sets for its process: whether errors have a traceback, and what output accepts.

This module imports no other part of the project, so that the command line starts fast.
"""

import sys
from contextvars import ContextVar
from io import TextIOWrapper

DEBUG: ContextVar[bool | None] = ContextVar("DEBUG", default=None)
"""Whether --debug was given; None in a program that has no such option."""


def take_any_text() -> None:
    """Let standard output and error escape what their encoding lacks.

    A text of a queue or a log may hold half a surrogate pair, which no encoding has. In a JSON
    document this escape is the escape of JSON itself.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
