"""A proxy between the functions and a service. It disturbs the service on request.

It copies bytes, connection by connection. A client of boto3 uses a connection for one service, so
the credential scope of the first request names the service. A Chroma server has no credential
scope, and therefore its own proxy.
"""

import asyncio
import re
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, Final, Self

CHUNK: Final = 65_536
_SCOPE: Final = re.compile(rb"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request", re.IGNORECASE)
_UNAVAILABLE: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
)
_REFUSING: Final = 2
"""During an outage, one of this many connections is cut. The others are answered with 503."""


class Shape(StrEnum):
    """How a service fails."""

    DOWN = "down"
    """Connections are cut during requests. New connections get a 503 or no answer."""
    SLOW = "slow"
    """Every request is delayed."""
    FLAPPING = "flapping"
    """The service is down and up in turn."""


SLOW_SECONDS: Final = 1.5
FLAP_SECONDS: Final = 2.5


class Proxy:
    """Listens on a port of this machine.

    `service` is a name of a credential scope, such as dynamodb, or None for every request.
    """

    def __init__(self, host: str, port: int, service: str | None) -> None:
        self._target, self._service = (host, port), service
        self._down = self._slow = False
        self.faults = 0
        """Number of connections that were cut or refused, and of requests that were delayed."""
        self.port = 0
        self._concerned: set[asyncio.StreamWriter] = set()
        self._connections = 0
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="proxy")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    @contextmanager
    def misbehaving(self, shape: Shape) -> Iterator[None]:
        """Let the service fail in this way until the block ends."""
        self._in_loop(self._begin(shape))
        trouble = asyncio.run_coroutine_threadsafe(self._go_on(shape), self._loop)
        try:
            yield
        finally:
            trouble.cancel()
            self._in_loop(self._recover())

    def _in_loop(self, step: Coroutine[Any, Any, None]) -> None:
        """Run a step in the thread of the proxy, and wait until it is done."""
        asyncio.run_coroutine_threadsafe(step, self._loop).result()

    async def _begin(self, shape: Shape) -> None:
        self._slow, self._down = shape is Shape.SLOW, shape is not Shape.SLOW
        if self._down:
            self._cut_all()

    async def _go_on(self, shape: Shape) -> None:
        while not self._slow:
            await asyncio.sleep(FLAP_SECONDS)
            self._down = not (self._down and shape is Shape.FLAPPING)
            if self._down:
                self._cut_all()

    async def _recover(self) -> None:
        self._down = self._slow = False

    def _cut_all(self) -> None:
        for writer in list(self._concerned):
            self.faults += 1
            writer.transport.abort()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, limit=CHUNK)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.read(CHUNK)
            if self._concerns(head):
                await self._trouble(head, reader, writer)
            else:
                await self._pass_on(head, reader, writer, concerned=False)
        except OSError:
            pass  # one side has gone, which the other one sees
        finally:
            self._concerned.discard(writer)
            writer.close()

    def _concerns(self, head: bytes) -> bool:
        if self._service is None:
            return True
        found = _SCOPE.search(head)
        return found is not None and found[1].decode() == self._service

    async def _trouble(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if not self._down:
            self._concerned.add(writer)
            await self._pass_on(head, reader, writer, concerned=True)
            return
        self.faults += 1
        self._connections += 1
        if self._connections % _REFUSING:
            writer.write(_UNAVAILABLE)
            await writer.drain()
        else:
            writer.transport.abort()

    async def _pass_on(
        self,
        head: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        concerned: bool,
    ) -> None:
        back, out = await asyncio.open_connection(*self._target)
        answers = asyncio.ensure_future(_copy(back, writer))
        try:
            while head:
                if concerned and self._slow:
                    self.faults += 1
                    await asyncio.sleep(SLOW_SECONDS)
                out.write(head)
                await out.drain()
                head = await reader.read(CHUNK)
        finally:
            out.close()
            await asyncio.gather(answers, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    writer.close()
