"""A stub of SQS that accepts SendMessage and SendMessageBatch at once and stores nothing.

It runs in a process of its own, so that the sender's process only does the sender's work.
"""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_LENGTH: Final = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
_ENTRY: Final = re.compile(rb'"Id": "(\d+)"')
"""The form in which botocore writes it. In a message's text, these quotes are escaped."""
_TAKEN: Final = {"MessageId": "0", "MD5OfMessageBody": "0"}


@contextmanager
def sqs_stub() -> Iterator[str]:
    """Run a stub for the block. Yield its URL."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.meters.sqs_stub"], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            if process.stdout is None:
                raise AssertionError("stdout is a pipe")
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            body = await reader.readexactly(int(length[1]) if length else 0)
            writer.write(_answer(head, body))
    except asyncio.IncompleteReadError:
        writer.close()


def _answer(head: bytes, body: bytes) -> bytes:
    content: dict[str, object] = dict(_TAKEN)
    if b"AmazonSQS.SendMessageBatch" in head:
        ids = [number.decode() for number in _ENTRY.findall(body)]
        content = {"Successful": [{"Id": number, **_TAKEN} for number in ids]}
    data = json.dumps(content).encode()
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\n"
        b"Content-Length: %d\r\n\r\n" % len(data)
    ) + data


async def _main() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0, limit=2**22)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
