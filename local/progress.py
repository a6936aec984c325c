"""How the steps of a command tell that they begin and end."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Progress = Callable[[str], AbstractContextManager[None]]
"""Called with what a step does; the step runs inside."""


@contextmanager
def silent(_: str) -> Iterator[None]:
    """For tests."""
    yield
