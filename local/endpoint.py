"""Finds the AWS for a command, or starts one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.clients import checked_endpoint
from local.errors import EndpointError, StateFolderError
from local.ministack import health
from local.ministack import process as ministack
from local.progress import Progress
from local.quick.names import Names, Options
from local.stack import load
from local.state import State


@dataclass(frozen=True)
class Request:
    """The options of `up`.

    `endpoint` names an AWS that already runs. None starts a MiniStack. If it is `tied`, it ends
    with this process. `functions` says whether the functions are deployed. `deploy` explains
    `vendored`, and `ministack.start` explains `enforce_iam` and `for_terraform`.
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
    for_terraform: bool = False


def endpoint_of(environment: Mapping[str, str]) -> str | None:
    """Return AWS_ENDPOINT_URL, or None if it is not set."""
    return environment.get("AWS_ENDPOINT_URL", "").strip() or None


def endpoint(state: State, request: Request, progress: Progress) -> str:
    """Return the endpoint of the AWS that `request` asks for.

    Start one in `state` if there is none.

    Raises StartError, EndpointError, StateFolderError.
    """
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


def answering(wanted: str, state: State) -> str:
    """Return the endpoint where a stack was created, if it answers.

    Raises EndpointError otherwise.
    """
    if not health.answers(wanted):
        raise EndpointError(
            f"nothing answers at {wanted}, where the stack was created: start that AWS to delete "
            f"the stack, or remove {state.path} if it no longer exists"
        )
    return wanted


def _start(state: State, request: Request, progress: Progress) -> str:
    if state.stack.exists() and not state.server.exists():
        raise StateFolderError(
            f"{state.path} belongs to a stack at {load(state.path).endpoint}: run `down` first, or "
            "give another --state"
        )
    ended = state.server.exists()
    with progress(
        "MiniStack (the earlier one has ended, and its data is lost)" if ended else "MiniStack"
    ):
        ministack.stop(state)  # Its workers may still run.
        server = ministack.start(
            state, request.port, request.tied, request.enforce_iam, request.for_terraform
        )
        return server.endpoint


def _elsewhere(endpoint: str) -> str:
    endpoint = checked_endpoint(endpoint)
    if not health.answers(endpoint):
        raise EndpointError(
            f"nothing answers at AWS_ENDPOINT_URL={endpoint}: start that AWS, or unset the "
            "variable to start a MiniStack"
        )
    if health.is_ministack(endpoint) and not health.is_corrected(endpoint):
        raise EndpointError(
            f"the MiniStack at {endpoint} lacks the corrections that the functions need: start it "
            "with `python -P local/ministack/server.py`, or as compose.yaml does"
        )
    return endpoint


def _same(one: str, other: str) -> bool:
    return checked_endpoint(one).replace("//localhost:", "//127.0.0.1:") == other
