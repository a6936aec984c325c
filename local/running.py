"""Brings the local AWS up and down: what the command line and the tests have in common."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from local import health, ministack
from local.clients import Clients, checked_endpoint
from local.deploy import deploy
from local.errors import EndpointError, NotRunningError, StateFolderError
from local.names import Names, Options
from local.progress import Progress, silent
from local.provision import provision, tear_down
from local.stack import Stack, load, save
from local.state import State


@dataclass(frozen=True)
class Request:
    """What `up` is asked for.

    `endpoint` names an AWS that already runs; None starts a MiniStack, which ends with this process
    if it is `tied` to it. See `deploy` for `vendored`, `ministack.start` for `enforce_iam`.
    """

    names: Names = field(default_factory=Names)
    options: Options = field(default_factory=Options)
    endpoint: str | None = None
    port: int | None = None
    sources: Path | None = None
    vendored: bool | None = None
    functions: bool = True
    tied: bool = False
    enforce_iam: bool = False


def endpoint_of(environment: Mapping[str, str]) -> str | None:
    """AWS_ENDPOINT_URL, if it is set."""
    return environment.get("AWS_ENDPOINT_URL", "").strip() or None


def up(state: State, request: Request | None = None, progress: Progress = silent) -> Stack:
    """Start (or find) the local AWS, provision it, deploy to it, and save the stack.

    Raises StartError, EndpointError, StateFolderError, PackageError.
    """
    request = request or Request()
    with state.locked():
        clients = Clients(_endpoint(state, request, progress))
        stack = _with_known_deployment(
            provision(clients, request.names, request.options, progress), state
        )
        save(stack, state)  # before the functions, so that `down` can clear up after a failure
        if request.functions:
            stack = deploy(
                stack, state, request.options, request.sources, request.vendored, progress
            )
            save(stack, state)
        return stack


def down(state: State, progress: Progress = silent) -> int:
    """Stop what `up` started, or delete what it created elsewhere, and remove the state folder.

    Returns how many processes were ended. Raises StopError, EndpointError, StateFolderError.
    """
    if not state.claimed:
        return 0
    with state.locked():
        if state.server.exists():
            with progress("MiniStack and its functions"):
                ended = ministack.stop(state)
        else:
            ended = 0
            _tear_down_elsewhere(state, progress)
        state.remove()
    return ended


@contextmanager
def running(
    state_dir: Path, deploy: bool = True, request: Request | None = None
) -> Iterator[Stack]:
    """A private local AWS for the block: started in `state_dir`, stopped at its end.

    It ends too should this process be killed. The caller's AWS_ENDPOINT_URL plays no part.
    `deploy` says whether the functions are deployed.
    """
    state = State.at(state_dir)
    wanted = replace(request or Request(), functions=deploy, endpoint=None, tied=True)
    try:
        yield up(state, wanted)
    finally:
        down(state)


def _with_known_deployment(stack: Stack, state: State) -> Stack:
    """The stack with the functions that an earlier `up` deployed on it, if one did."""
    try:
        known = load(state.path)
    except NotRunningError:
        return stack
    return known if replace(known, deployment=None) == stack else stack


def _endpoint(state: State, request: Request, progress: Progress) -> str:
    server = ministack.find(state)
    if server is not None:
        if request.endpoint is not None and not _same(request.endpoint, server.endpoint):
            raise StateFolderError(
                f"a MiniStack runs at {server.endpoint} from {state.path}, but AWS_ENDPOINT_URL is "
                f"{request.endpoint}: run `down` first, or give another --state"
            )
        with progress(f"MiniStack, which runs at {server.endpoint}"):
            return server.endpoint
    if request.endpoint is not None:
        return _elsewhere(request.endpoint)
    return _start(state, request, progress)


def _start(state: State, request: Request, progress: Progress) -> str:
    if state.stack.exists() and not state.server.exists():
        raise StateFolderError(
            f"{state.path} belongs to a stack at {load(state.path).endpoint}: run `down` first, or "
            "give another --state"
        )
    ended = state.server.exists()
    with progress(
        "MiniStack anew: the one before has ended, its data with it" if ended else "MiniStack"
    ):
        ministack.stop(state)  # workers may have outlived it
        server = ministack.start(state, request.port, request.tied, request.enforce_iam)
        return server.endpoint


def _elsewhere(endpoint: str) -> str:
    endpoint = checked_endpoint(endpoint)
    if not health.answers(endpoint):
        raise EndpointError(
            f"nothing answers at AWS_ENDPOINT_URL={endpoint}: start it, or unset the variable to "
            "have a MiniStack started"
        )
    return endpoint


def _tear_down_elsewhere(state: State, progress: Progress) -> None:
    try:
        stack = load(state.path)
    except NotRunningError:
        return  # `up` failed before it created anything
    if not health.answers(stack.endpoint):
        raise EndpointError(
            f"nothing answers at {stack.endpoint}, where the stack was created: start it to delete "
            f"the stack, or remove {state.path} if it is gone for good"
        )
    tear_down(stack.clients(), stack.names, progress)


def _same(one: str, other: str) -> bool:
    return checked_endpoint(one).replace("//localhost:", "//127.0.0.1:") == other
