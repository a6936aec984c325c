"""The proxy disturbs the named service and no other."""

import http.client
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.reliability.outages.proxy import SLOW_SECONDS, Proxy, Shape

_SCOPE = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{}/aws4_request, SignedHeaders=host"


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with Proxy("127.0.0.1", server.server_port, "s3") as proxy:
        yield proxy
    server.shutdown()


def ask(proxy: Proxy, service: str, body: bytes = b"x" * 200_000) -> bool:
    """Return whether a request of a service is answered with its own body."""
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=60)
    try:
        connection.request("POST", "/", body, {"Authorization": _SCOPE.format(service)})
        answer = connection.getresponse()
        return answer.status == 200 and answer.read() == body
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def test_everything_is_passed_on_while_nothing_is_wrong(proxy: Proxy) -> None:
    assert ask(proxy, "s3")
    assert ask(proxy, "dynamodb")
    assert proxy.faults == 0


def test_the_service_is_down_the_others_are_not_and_it_comes_back(proxy: Proxy) -> None:
    with proxy.misbehaving(Shape.DOWN):
        assert not any(ask(proxy, "s3") for _ in range(4))
        assert ask(proxy, "dynamodb")
    assert ask(proxy, "s3")
    assert proxy.faults == 4


def test_a_connection_that_is_in_use_is_cut(proxy: Proxy) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=60)
    headers = {"Authorization": _SCOPE.format("s3")}
    connection.request("POST", "/", b"a", headers)
    assert connection.getresponse().read() == b"a"
    with proxy.misbehaving(Shape.DOWN), pytest.raises((OSError, http.client.HTTPException)):
        _ask_again(connection, headers)
    connection.close()


def test_a_slow_service_answers_late(proxy: Proxy) -> None:
    with proxy.misbehaving(Shape.SLOW):
        begun = time.monotonic()
        assert ask(proxy, "s3", b"x")
        assert time.monotonic() - begun >= SLOW_SECONDS
    assert proxy.faults >= 1


def _ask_again(connection: http.client.HTTPConnection, headers: dict[str, str]) -> None:
    connection.request("POST", "/", b"b", headers)
    connection.getresponse()
