"""Answer searches over HTTP from the newest published version of a collection.

POST /search {"text": "flat white", "limit": 5, "where": {"merchant_name": "Cafe Luna"}}
GET  /health
"""

import argparse
import json
import signal
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from examples.model import embed
from receipt_index import Following, NothingPublishedError, Reader, open_reader

LONGEST_BODY = 1_000_000
MOST_MATCHES = 100


class SearchService(ThreadingHTTPServer):
    """An HTTP server that searches one reader. Its requests run in threads."""

    daemon_threads = False  # server_close() waits for the requests that are in progress.

    def __init__(self, address: tuple[str, int], reader: Reader, following: Following) -> None:
        super().__init__(address, Handler)
        self.reader, self.following = reader, following

    def search(self, body: bytes) -> dict[str, Any]:
        """Return the answer to a search. Raises ValueError for a body that is no search."""
        asked = json.loads(body)
        if not isinstance(asked, dict) or not isinstance(asked.get("text"), str):
            raise ValueError('send {"text": "…"}, with "limit" and "where" if you like')
        limit = asked.get("limit", 10)
        if not isinstance(limit, int) or not 1 <= limit <= MOST_MATCHES:
            raise ValueError(f"limit is a number from 1 to {MOST_MATCHES}")
        matches = self.reader.search(embed([asked["text"]])[0], limit, asked.get("where"))
        return {
            "version": self.reader.version,
            "matches": [
                {
                    "id": match.record.id,
                    "distance": match.distance,
                    "text": match.record.document,
                    "metadata": dict(match.record.metadata),
                }
                for match in matches
            ],
        }

    def health(self) -> dict[str, Any]:
        """Return which version is served, and why it may be an older one."""
        published, error = self.reader.published_at, self.following.last_error
        return {
            "version": self.reader.version,
            "published_at": None if published is None else published.isoformat(),
            "last_error": None if error is None else f"{type(error).__name__}: {error}",
        }


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: SearchService
    protocol_version = "HTTP/1.1"
    timeout = 30  # seconds without a byte, so that an idle connection does not delay the end

    def do_GET(self) -> None:
        """Answer GET /health: 503 while nothing is published."""
        if self.path != "/health":
            self._answer(HTTPStatus.NOT_FOUND, {"error": "GET /health, or POST /search"})
            return
        found = self.server.health()
        served = found["version"] > 0
        self._answer(HTTPStatus.OK if served else HTTPStatus.SERVICE_UNAVAILABLE, found)

    def do_POST(self) -> None:
        """Answer POST /search."""
        length = int(self.headers.get("Content-Length") or 0)
        if self.path != "/search" or length > LONGEST_BODY:
            self.close_connection = True  # The body is not read.
            self._answer(HTTPStatus.NOT_FOUND, {"error": "POST a short body to /search"})
            return
        try:
            self._answer(HTTPStatus.OK, self.server.search(self.rfile.read(length)))
        except ValueError as error:
            self._answer(HTTPStatus.BAD_REQUEST, {"error": str(error)})
        except NothingPublishedError as error:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, {"error": str(error)})

    def log_message(self, format: str, *arguments: Any) -> None:
        """Log nothing: a request's text may be receipt text."""

    def _answer(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m examples.search_service")
    parser.add_argument("--collection", default="receipt_lines")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--interval", type=float, default=2.0, help="seconds between refreshes")
    options = parser.parse_args()
    reader = open_reader(options.collection)
    try:
        with (
            reader.follow(options.interval) as following,
            SearchService(("127.0.0.1", options.port), reader, following) as service,
        ):
            for number in (signal.SIGINT, signal.SIGTERM):
                # shutdown() waits for serve_forever(), which runs in this thread.
                signal.signal(number, lambda *_: threading.Thread(target=service.shutdown).start())
            print(f"http://127.0.0.1:{service.server_port}", flush=True)
            service.serve_forever()
    finally:
        reader.close(keep=True)  # The next start fetches only what is new.


if __name__ == "__main__":
    main()
