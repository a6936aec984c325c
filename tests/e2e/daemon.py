"""A substitute for the X-Ray daemon: a UDP socket, and the traces in its datagrams.

https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-daemon
"""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

_HEADER: Final = {"format": "json", "version": 1}
_LARGEST: Final = 65_536
"""The largest datagram in bytes."""

Segment: TypeAlias = dict[str, Any]


class Daemon:
    """A receiver that keeps every datagram as text."""

    def __init__(self, receiver: socket.socket) -> None:
        self._receiver = receiver
        self.datagrams: list[str] = []

    @property
    def address(self) -> str:
        host, port = self._receiver.getsockname()
        return f"{host}:{port}"

    def listen(self) -> None:
        """Receive until the socket is closed."""
        while True:
            try:
                self.datagrams.append(self._receiver.recv(_LARGEST).decode())
            except TimeoutError:
                continue
            except OSError:
                return

    def segments(self) -> list[Segment]:
        """Return every segment so far, with the subsegments inside them."""
        return [part for text in list(self.datagrams) for part in _whole(_document(text))]


@contextmanager
def listening() -> Iterator[Daemon]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(0.2)
        daemon = Daemon(receiver)
        threading.Thread(target=daemon.listen, daemon=True).start()
        yield daemon


def _document(text: str) -> Segment:
    header, document = text.split("\n", 1)
    assert json.loads(header) == _HEADER
    segment: Segment = json.loads(document)
    return segment


def _whole(segment: Segment) -> Iterator[Segment]:
    """Yield a segment and its subsegments. They get its trace id, and its id as their parent."""
    yield segment
    for part in segment.get("subsegments", []):
        ties = {"trace_id": segment["trace_id"], "parent_id": segment["id"]}
        yield from _whole({**part, **ties})
