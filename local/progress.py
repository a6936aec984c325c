"""How the steps of a command tell that they begin and end."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Progress = Callable[[str], AbstractContextManager[None]]
"""Called with what a step does; the step runs inside."""

Counter = Callable[[int, int], None]
"""Told how many things are done, of how many; 0 of 0 while nobody knows."""

Counted = Callable[[str], AbstractContextManager[Counter]]
"""A step that tells how far it is."""


@contextmanager
def silent(_: str) -> Iterator[None]:
    """For tests."""
    yield


@contextmanager
def uncounted(_: str) -> Iterator[Counter]:
    """For tests."""
    yield lambda _done, _total: None
