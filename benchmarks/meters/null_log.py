"""Discards the log of a function while the function is measured."""

import io
from contextlib import redirect_stdout


class _NullStream(io.TextIOBase):
    """Accepts text and discards it."""

    def write(self, text: str) -> int:
        return len(text)


def null_log() -> "redirect_stdout[io.TextIOBase]":
    """Return a block in which standard output is discarded.

    A logger that is made in the block may keep the discarding stream after the block.
    """
    return redirect_stdout(_NullStream())
