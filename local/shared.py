"""Use the running local AWS, or start one for a block."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from local.endpoint import Request, endpoint_of
from local.errors import NotRunningError
from local.ministack import health
from local.progress import Progress
from local.running import down, up
from local.stack import Stack, load
from local.state import State


@contextmanager
def running_or_started(
    environment: Mapping[str, str],
    state: State,
    step: Progress,
    on_present: Callable[[Stack], None] = lambda _: None,
) -> Iterator[Stack]:
    """Yield the running local AWS, or start one for the block and stop it at the end.

    `on_present` gets the local AWS that runs already. A local AWS without the functions does not
    count. Raises LocalAWSError if one could not be started or stopped.
    """
    present = _running(state)
    if present is not None:
        on_present(present)
        yield present
        return
    try:
        yield up(state, Request(endpoint=endpoint_of(environment)), step)
    finally:
        down(state, step)


def _running(state: State) -> Stack | None:
    try:
        stack = load(state.path)
    except NotRunningError:
        return None
    return stack if stack.deployment and health.answers(stack.endpoint) else None
