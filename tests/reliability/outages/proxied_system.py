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

QUICK: Final = Options(function_timeout=12, lease=9, heartbeat=3, visibility_timeout=24)
"""Seconds. They are short, so that an outage may be short. The receive limit is production's.

SQS delivers a message again after each visibility timeout, and five times at most. The system
recovers by itself from an outage that is shorter than five visibility timeouts. That is 120 s here.
In production it is 150 minutes, because the timeout is 1,800 s.
The visibility timeout is two function timeouts here, and six in production. With one, messages
would come again during a slow cycle that still works on them.
"""
_CLAIMED: Final = 75
"""Seconds. A claim on a server lasts for the function's timeout and a minute, which is less.

A worker that did not finish leaves its claim on a collection. Until the claim ends, every message
returns to the queue. In production a claim lasts a fifth of the visibility timeout, so a message
meets it once. The minute cannot be shortened. With 24 s here, a message would meet it three times.
"""


class Service(StrEnum):
    """A service that can fail. The value is its name in the credential scope, except for SERVER."""

    TABLE = "dynamodb"
    QUEUE = "sqs"
    BUCKET = "s3"
    SERVER = "chroma"


def options_for(service: Service) -> Options:
    """Return the times of a trial."""
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
    """Start the system below `folder`. Only the functions reach the service through the proxy."""
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
