"""The Docker engine that `sam local invoke` needs, and the way from its containers to this machine.

A container finds the host as host.docker.internal, but on Linux that is the bridge's address, where
a server on 127.0.0.1 is not heard: a forwarder carries what arrives there. Docker Desktop does that
by itself, and its bridge is no address of this machine.
"""

import errno
import ipaddress
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import docker  # type: ignore[import-untyped]
from docker.errors import DockerException, ImageNotFound  # type: ignore[import-untyped]

from local.errors import LocalAWSError

HOST: Final = "host.docker.internal"
IMAGE: Final = "public.ecr.aws/lambda/python:3.12-x86_64"
"""What sam runs a python3.12 function in."""

_CHUNK: Final = 65_536


class NoEngineError(LocalAWSError):
    """There is no Docker engine, or none that answers."""


class Engine:
    """A Docker engine that answers. Raises NoEngineError."""

    def __init__(self) -> None:
        try:
            self._client = docker.from_env()
            self._client.ping()
        except DockerException as error:
            raise NoEngineError(
                "`sam local invoke` runs functions in containers, and no Docker engine answers: "
                "start one, or name it with DOCKER_HOST"
            ) from error

    def has_image(self) -> bool:
        """Whether the runtime's image is there, so that nothing need be pulled."""
        try:
            self._client.images.get(IMAGE)
        except ImageNotFound:
            return False
        return True

    def host_address(self) -> str:
        """The host's address on the bridge of containers."""
        network = self._client.networks.get("bridge").attrs["IPAM"]["Config"][0]
        subnet = ipaddress.ip_network(network["Subnet"])
        return str(network.get("Gateway") or subnet[1])  # not every engine names the default


@contextmanager
def forwarded(address: str, port: int) -> Iterator[None]:
    """Inside the block `address`:`port` leads to 127.0.0.1:`port`."""
    try:
        server = _Server((address, port), _Pump)
    except OSError as error:
        if error.errno != errno.EADDRNOTAVAIL:
            raise LocalAWSError(f"{address}:{port} can't be listened at: {error}") from error
        yield  # a Docker Desktop: its host.docker.internal leads here anyway
        return
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class _Pump(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        _, port = self.request.getsockname()
        with socket.create_connection(("127.0.0.1", port)) as inside:
            answers = threading.Thread(target=_carry, args=(inside, self.request), daemon=True)
            answers.start()
            _carry(self.request, inside)
            answers.join()


def _carry(source: socket.socket, target: socket.socket) -> None:
    """Bytes from one to the other until the one ends, or either is gone."""
    try:
        while data := source.recv(_CHUNK):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return  # one end hung up: there is nobody left to carry for
