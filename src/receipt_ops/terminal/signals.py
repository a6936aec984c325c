"""The orderly end of a command at a signal: the command finishes or reverts what it began.

At SIGTERM, and at the SIGHUP of a closed terminal, Python ends without any `finally` block. A
command would leave its test receipts in the table. So both signals raise a KeyboardInterrupt here,
as Ctrl-C does.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from types import FrameType
from typing import Final

from receipt_ops.terminal.exit_codes import ExitCode

Uninterrupted = Callable[[], AbstractContextManager[None]]
"""Makes a context that a signal does not interrupt. The signal takes effect at its end."""


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived."""


class HungUp(KeyboardInterrupt):
    """SIGHUP arrived: the terminal has closed."""


_ERRORS: Final = {
    signal.SIGTERM: Terminated,
    signal.SIGHUP: HungUp,
    signal.SIGINT: KeyboardInterrupt,
}
"""The error of each signal. If several arrive, the first of these is raised."""


_ended_by: Final[list[ExitCode]] = []
"""The exit codes of the signals that have raised their errors, in the order of arrival."""

_CODES: Final = {
    signal.SIGTERM: ExitCode.TERMINATED,
    signal.SIGHUP: ExitCode.HUNG_UP,
    signal.SIGINT: ExitCode.INTERRUPTED,
}


@contextmanager
def ending_at_once() -> Iterator[None]:
    """End the process silently at a signal inside the `with` block, which only imports modules.

    The command has not begun by then. Without this, Python would print a traceback, or a partly
    imported module would turn the KeyboardInterrupt into another error.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signal.signal(number, partial(_end, code))
        for number, code in _CODES.items()
        if not _is_ignored(number)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(code: ExitCode, _: int, __: FrameType | None) -> None:
    os._exit(code)


def end_in_order() -> None:
    """Make SIGTERM and SIGHUP raise their errors in the main thread.

    Other threads cannot set handlers. A SIGHUP that is ignored, as under nohup, stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    terminals = [number for number in (1, 2) if os.isatty(number)]
    signal.signal(signal.SIGTERM, _terminated)
    if not _is_ignored(signal.SIGHUP):
        signal.signal(signal.SIGHUP, partial(_hung_up, terminals))


def _is_ignored(number: signal.Signals) -> bool:
    return signal.getsignal(number) is signal.SIG_IGN


def exit_code() -> ExitCode | None:
    """Return the exit code of the signal that has ended the process; None before a signal."""
    return _ended_by[0] if _ended_by else None


def _terminated(_: int, __: FrameType | None) -> None:
    _ended_by.append(ExitCode.TERMINATED)
    raise Terminated


def _hung_up(terminals: list[int], _: int, __: FrameType | None) -> None:
    # A write to the closed terminal would fail and interrupt the clean-up.
    for number in terminals:
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)
    _ended_by.append(ExitCode.HUNG_UP)
    raise HungUp


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay Ctrl-C, SIGTERM and SIGHUP until the block has ended; raise KeyboardInterrupt then."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: arrived.append(number))
        for number in _ERRORS
        if not _is_ignored(number)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for number, error in _ERRORS.items():
        if number in arrived:
            raise error
