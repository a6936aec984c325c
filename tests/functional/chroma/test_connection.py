"""Connections to Chroma servers that fail, do not answer, or require a token."""

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from chromadb.config import Settings

from receipt_index.server import connection
from receipt_index.server.index import ServerIndexes
from receipt_sync.errors import IndexUnavailableError, SnapshotDamagedError
from receipt_sync.keys import Collection
from receipt_sync.settings import ChromaSettings

LINES = Collection.LINES

Requests = list[tuple[str, dict[str, str]]]
"""The path and the headers of each request."""

Answering = Callable[..., tuple[int, Requests]]
"""Starts a server: answering(status, body, content type) returns its port and its requests."""


def at(port: int, **more: Any) -> ChromaSettings:
    return ChromaSettings(chroma_target="http", chroma_host="127.0.0.1", chroma_port=port, **more)


@pytest.fixture
def answering() -> Iterator[Answering]:
    """Make servers that answer every request with one status, and record path and headers."""
    made: list[ThreadingHTTPServer] = []

    def make(status: int, body: bytes = b"", kind: str = "text/html") -> tuple[int, Requests]:
        requests: Requests = []

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                requests.append(
                    (self.path, {name.lower(): value for name, value in self.headers.items()})
                )
                self.rfile.read(int(self.headers.get("content-length", 0)))
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.send_header("content-type", kind)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = _answer  # noqa: N815

            def log_message(self, *arguments: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made.append(server)
        return server.server_port, requests

    yield make
    for server in made:
        server.shutdown()
        server.server_close()


def test_a_server_that_never_answers_is_given_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        deaf = at(silent.getsockname()[1], chroma_timeout_seconds=0.3)
        with pytest.raises(IndexUnavailableError, match="did not answer 'open': ReadTimeout"):
            ServerIndexes(deaf).open(LINES, create=True)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 401, 403])
def test_an_answer_that_blames_no_record_means_later_again(
    answering: Answering, status: int
) -> None:
    port, requests = answering(status)
    with pytest.raises(IndexUnavailableError, match=f"answered {status}"):
        ServerIndexes(at(port)).open(LINES, create=True)
    assert requests


@pytest.mark.parametrize("status", [200, 302, 308, 400, 404, 409, 413, 422])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"404 page not found\n",
        b"[]",
        b'{"detail": "no route"}',
        b'{"error": "Not Found", "message": "no route", "path": "/api"}',
    ],
)
def test_an_answer_that_is_not_chromas_blames_no_record(
    answering: Answering, status: int, body: bytes
) -> None:
    """An ingress returns this response while a pod restarts (defect `ingress_404`)."""
    port, requests = answering(status, body)
    with pytest.raises(IndexUnavailableError, match=f"{status}"):
        ServerIndexes(at(port)).open(LINES, create=True)
    assert requests


def test_an_answer_in_chromas_form_does(answering: Answering) -> None:
    port, _ = answering(404, b'{"error": "NotFoundError", "message": "m"}', "application/json")
    with pytest.raises(SnapshotDamagedError, match="has no collection"):
        ServerIndexes(at(port)).open(LINES, create=False)


def test_cloud_and_token_reach_the_server_as_headers(
    answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, requests = answering(503)
    cloud = ChromaSettings(
        chroma_target="cloud",
        chroma_tenant="tenant",
        chroma_database="database",
        chroma_api_key="ck-secret",
    )
    made = connection._client_settings(cloud)
    assert (made.chroma_server_host, made.chroma_server_http_port) == ("api.trychroma.com", 443)
    assert made.chroma_server_ssl_enabled is True

    def here(_: ChromaSettings) -> Settings:
        made.chroma_server_host, made.chroma_server_http_port = "127.0.0.1", port
        made.chroma_server_ssl_enabled = False
        return made

    with monkeypatch.context() as patch:
        patch.setattr(connection, "_client_settings", here)
        with pytest.raises(IndexUnavailableError):
            ServerIndexes(cloud).open(LINES, create=False)
    http = at(port, chroma_token="tok")
    with pytest.raises(IndexUnavailableError):
        ServerIndexes(http).open(LINES, create=False)
    (first_path, first), (_, second) = requests
    assert first_path == "/api/v2/tenants/tenant/databases/database/collections/receipt_lines"
    assert first["x-chroma-token"] == "ck-secret"
    assert second["authorization"] == "Bearer tok"
