"""Standard output and standard error of a command's process.

An output that cannot be written is no other error of the machine: a full disk needs other advice.
Rich and Click end with exit code 1 if a reader has closed the pipe, and 1 means a verdict here. So
a failed write raises an error of its own, which neither of them catches.

This module imports no other part of the project, so that the command line starts fast.
"""

import errno
import os
import sys
from contextlib import suppress
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import Any


class OutputError(OSError):
    """Standard output or standard error cannot be written.

    `errno` is None, because Click takes EPIPE for its own concern. `number` holds it.
    """

    def __init__(self, cause: OSError) -> None:
        super().__init__(f"the output can't be written: {cause.strerror or type(cause).__name__}")
        self.number = cause.errno

    @property
    def is_closed_pipe(self) -> bool:
        """Return whether the reader has closed the pipe, as `head` does when it has enough."""
        return self.number == errno.EPIPE


class _Checked(FileIO):
    """A file descriptor whose failed writes raise OutputError.

    A device that is nearly full takes a part of the bytes and refuses the rest. A text stream that
    writes through ignores the number of written bytes, so one call writes all of them.
    """

    def write(self, data: Any) -> int:
        left = memoryview(data).cast("B")
        size = len(left)
        try:
            while left:
                left = left[super().write(left) or 0 :]
        except OSError as error:
            raise OutputError(error) from error
        return size


def check_writes() -> None:
    """Make failed writes of both streams raise OutputError. Streams that a caller closed stay."""
    if sys.stdout is not None and sys.stdout is sys.__stdout__:
        sys.stdout = _checked(sys.stdout)
    if sys.stderr is not None and sys.stderr is sys.__stderr__:
        sys.stderr = _checked(sys.stderr)


def flush() -> None:
    """Write what the buffers of both streams hold. Raises OutputError."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


def report(sentence: str) -> None:
    """Print a sentence on standard error. If that fails, the exit code alone must do."""
    with suppress(OSError):
        if sys.stderr is not None:
            sys.stderr.write(f"receipt-sync: {sentence}\n")
            sys.stderr.flush()


def discard() -> None:
    """Discard what the streams cannot write, because Python would try again at its end."""
    for stream in (sys.stdout, sys.stderr):
        if stream is None:
            continue
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _checked(stream: Any) -> TextIOWrapper:
    raw = _Checked(stream.fileno(), "wb", closefd=False)
    return TextIOWrapper(
        raw if stream.write_through else BufferedWriter(raw),
        encoding=stream.encoding,
        errors=stream.errors,
        newline="\n",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
