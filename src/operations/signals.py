"""End a command in order when SIGTERM or Ctrl-C arrives: what it began is finished or taken back.

Python ends at SIGTERM without running any `finally`. A command that has written to a table would
leave its test receipts there. So SIGTERM raises KeyboardInterrupt here, as Ctrl-C does.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType

Uninterrupted = Callable[[], AbstractContextManager[None]]
"""A block that a signal does not cut in two: the signal takes effect at its end."""


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived."""


def end_in_order() -> None:
    """Let SIGTERM raise `Terminated` in the main thread. Other threads cannot set handlers."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _terminated)


def _terminated(_: int, __: FrameType | None) -> None:
    raise Terminated


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay Ctrl-C and SIGTERM until the block has ended, and raise KeyboardInterrupt then."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: arrived.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if arrived:
        raise Terminated if signal.SIGTERM in arrived else KeyboardInterrupt
