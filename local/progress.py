"""Protocols with which the steps of a command report that they begin, advance and end."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Progress = Callable[[str], AbstractContextManager[None]]
"""Called with the description of a step. The step runs inside the returned context."""

Counter = Callable[[int, int], None]
"""Called with the number of finished things and their total. Both are 0 while the total is
unknown.
"""

Counted = Callable[[str], AbstractContextManager[Counter]]
"""A step that reports its progress."""


@contextmanager
def silent(_: str) -> Iterator[None]:
    """Report no step. For tests."""
    yield


@contextmanager
def uncounted(_: str) -> Iterator[Counter]:
    """Report neither a step nor its progress. For tests."""
    yield lambda _done, _total: None
