"""The Docker engine for `sam local invoke`, and the route from its containers to this machine.

A container finds the host as host.docker.internal. On Linux that is the address of the bridge, and
a server on 127.0.0.1 does not listen there. A forwarder therefore passes the connections on. Docker
Desktop does this itself, and its bridge is no address of this machine.
"""

import errno
import ipaddress
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import docker
from docker.errors import DockerException, ImageNotFound

from local.errors import LocalAWSError

HOST: Final = "host.docker.internal"
IMAGE: Final = "public.ecr.aws/lambda/python:3.12-x86_64"
"""The image in which sam runs a python3.12 function."""

_CHUNK: Final = 65_536


class NoEngineError(LocalAWSError):
    """No Docker engine answers."""


class Engine:
    """A Docker engine that answers. Raises NoEngineError."""

    def __init__(self) -> None:
        try:
            self._client = docker.from_env()
            self._client.ping()
        except DockerException as error:
            raise NoEngineError(
                "`sam local invoke` runs functions in containers, and no Docker engine answers: "
                "start an engine, or set DOCKER_HOST"
            ) from error

    def has_image(self) -> bool:
        """Return whether the image of the runtime is present, so that sam need not pull it."""
        try:
            self._client.images.get(IMAGE)
        except ImageNotFound:
            return False
        return True

    def host_address(self) -> str:
        """Return the address of the host on the bridge of the containers."""
        network = self._client.networks.get("bridge").attrs["IPAM"]["Config"][0]
        subnet = ipaddress.ip_network(network["Subnet"])
        return str(network.get("Gateway") or subnet[1])  # Some engines leave out the default.


@contextmanager
def forwarded(address: str, port: int) -> Iterator[None]:
    """Forward `address`:`port` to 127.0.0.1:`port` for the block."""
    try:
        server = _Server((address, port), _Pump)
    except OSError as error:
        if error.errno != errno.EADDRNOTAVAIL:
            raise LocalAWSError(f"cannot listen at {address}:{port}: {error}") from error
        yield  # Docker Desktop: host.docker.internal already leads here.
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
        """Carry the bytes of one connection in both directions until both ends close."""
        _, port = self.request.getsockname()
        with socket.create_connection(("127.0.0.1", port)) as inside:
            answers = threading.Thread(target=_carry, args=(inside, self.request), daemon=True)
            answers.start()
            _carry(self.request, inside)
            answers.join()


def _carry(source: socket.socket, target: socket.socket) -> None:
    """Copy bytes from one socket to the other until one of them closes."""
    try:
        while data := source.recv(_CHUNK):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return  # One end closed the connection, so no data is left to carry.
