"""The system with a proxy in front of one of its services."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from local.endpoint import Request
from local.quick.deploy import deploy
from local.quick.names import Options
from local.running import running
from local.stack import Stack
from local.state import State
from tests.functional.chroma_server import ChromaServer
from tests.reliability.outages.proxy import Proxy

QUICK: Final = Options(function_timeout=8, lease=6, heartbeat=2, visibility_timeout=16)
"""Seconds, short so that an outage may be short. The receive limit is production's.

A message is received again every visibility timeout, and five times before it is set aside. So an
outage heals without an operator if it is shorter than five visibility timeouts: 80 s here, and 150
minutes in production, where the timeout is 1,800 s. There it is six function timeouts, here two.
With one, messages come again while a slow cycle still works on them.
"""
_CLAIMED: Final = 70
"""Seconds; more than a claim on a server lasts: a function's time and a minute.

While a worker that did not finish holds a claim on a server's collection, every message is given
back. In production a claim lasts six minutes, a fifth of the visibility timeout, so a message meets
it once. The minute can't be shortened, so with 16 s here a message would meet it five times.
"""


class Service(StrEnum):
    """What can fail. The value is its name in an AWS request's credential scope, but for server."""

    TABLE = "dynamodb"
    QUEUE = "sqs"
    BUCKET = "s3"
    SERVER = "chroma"


def options_for(service: Service) -> Options:
    """The times of a trial."""
    visibility = _CLAIMED if service is Service.SERVER else QUICK.visibility_timeout
    return replace(QUICK, visibility_timeout=visibility)


@dataclass(frozen=True)
class ProxiedSystem:
    """A deployed stack, the proxy between its functions and a service, and what commands need."""

    stack: Stack
    proxy: Proxy
    variables: dict[str, str]
    options: Options


@contextmanager
def system_with(service: Service, folder: Path) -> Iterator[ProxiedSystem]:
    """The system, started below `folder`; whoever writes or verifies goes past the proxy."""
    options = options_for(service)
    with ExitStack() as opened:
        request = Request(options=options)
        stack = opened.enter_context(running(folder / "aws", deploy=False, request=request))
        if service is Service.SERVER:
            server = _server(folder, opened)
            proxy = opened.enter_context(Proxy("127.0.0.1", server.port, None))
            theirs, ours = _port(server, proxy.port), server.environment
        else:
            parts = urlsplit(stack.endpoint)
            proxy = Proxy(parts.hostname or "", parts.port or 0, service.value)
            opened.enter_context(proxy)
            theirs, ours = {"AWS_ENDPOINT_URL": proxy.url}, {}
        options = _with(options, theirs)
        stack = deploy(stack, State.at(folder / "aws"), options)
        yield ProxiedSystem(stack, proxy, {**stack.variables, **ours}, options)


def _server(folder: Path, opened: ExitStack) -> ChromaServer:
    (folder / "chroma").mkdir()
    server = ChromaServer(folder / "chroma")
    server.start()
    opened.callback(server.stop)
    return server


def _port(server: ChromaServer, port: int) -> dict[str, str]:
    return {**server.environment, "CHROMA_PORT": str(port)}


def _with(options: Options, variables: dict[str, str]) -> Options:
    return Options(**{**vars(options), "variables": variables})
