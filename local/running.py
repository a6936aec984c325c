"""Starts and stops the local AWS, for the command line and for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from local.clients import Clients
from local.deployed.up_and_down import tear_down_deployed
from local.endpoint import Request, answering, endpoint
from local.errors import NotRunningError
from local.ministack import process as ministack
from local.progress import Counted, Progress, silent, uncounted
from local.quick.deploy import deploy
from local.quick.provision import provision, tear_down
from local.stack import Stack, load, save
from local.state import State


def up(state: State, request: Request | None = None, progress: Progress = silent) -> Stack:
    """Start or find the local AWS, provision it, deploy to it, and return the saved stack.

    Raises StartError, EndpointError, StateFolderError, PackageError.
    """
    request = request or Request()
    with state.locked():
        state.must_not_be("terraform")
        clients = Clients(endpoint(state, request, progress))
        stack = _with_known_deployment(
            provision(clients, request.names, request.options, progress), state
        )
        # Save before the functions are deployed, so that `down` can clean up after a failure.
        save(stack, state)
        if request.functions:
            stack = deploy(
                stack, state, request.options, request.sources, request.vendored, progress
            )
            save(stack, state)
        return stack


def down(state: State, progress: Progress = silent, counted: Counted = uncounted) -> int:
    """Stop the local AWS that `up` started, or delete what it created elsewhere.

    Then remove the state folder, and return the number of ended processes. Raises StopError,
    EndpointError, StateFolderError.
    """
    if not state.claimed:
        return 0
    with state.locked():
        if state.server.exists():
            with progress("MiniStack and its functions"):
                ended = ministack.stop(state)
        else:
            ended = 0
            _tear_down_elsewhere(state, progress, counted)
        state.remove()
    return ended


@contextmanager
def running(
    state_dir: Path, deploy: bool = True, request: Request | None = None
) -> Iterator[Stack]:
    """Start a private local AWS in `state_dir` for the block, and stop it at the end.

    It also ends if this process is killed. AWS_ENDPOINT_URL of the caller has no effect. `deploy`
    says whether the functions are deployed.
    """
    state = State.at(state_dir)
    wanted = replace(request or Request(), functions=deploy, endpoint=None, tied=True)
    try:
        yield up(state, wanted)
    finally:
        down(state)


def _with_known_deployment(stack: Stack, state: State) -> Stack:
    """Return the stack with the functions that an earlier `up` deployed to it, if it did."""
    try:
        known = load(state.path)
    except NotRunningError:
        return stack
    return known if replace(known, deployment=None) == stack else stack


def _tear_down_elsewhere(state: State, progress: Progress, counted: Counted) -> None:
    if state.terraform.exists():
        tear_down_deployed(state, progress, counted)
        return
    try:
        stack = load(state.path)
    except NotRunningError:
        return  # `up` failed before it created anything.
    answering(stack.endpoint, state)
    tear_down(stack.clients(), stack.names, progress)
