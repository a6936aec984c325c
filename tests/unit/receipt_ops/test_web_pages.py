"""A web page in place of an answer of AWS is named, and so is a broken `credential_process`."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from receipt_ops.connection import connect
from receipt_ops.errors import ConnectionFailedError
from receipt_ops.sdk import client_factory
from receipt_ops.terminal.failures import explained
from receipt_sync.errors import SettingsError
from tests.unit.receipt_ops.terminal.test_cli import CONNECTION

NAMED = {"DYNAMODB_TABLE": "t", "COMPACTION_QUEUE_URL": "http://q", "SNAPSHOT_BUCKET": "b"}


class LoginPage(BaseHTTPRequestHandler):
    """Answers every request with a page, as a captive portal does."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        page = b"<html>log in</html>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    do_GET = do_POST  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@pytest.fixture
def portal() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), LoginPage)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_web_page_in_place_of_an_answer_is_named(portal: str) -> None:
    """botocore took it for an answer without content, and the command ended in a KeyError."""
    make = client_factory({}, portal)
    with pytest.raises(ConnectionFailedError) as raised, explained(CONNECTION):
        make("dynamodb").describe_table(TableName="t")
    assert str(raised.value) == (
        "AWS can't be called: the answer to DescribeTable is a web page: check AWS_ENDPOINT_URL, "
        "and the proxy in front of it"
    )
    with pytest.raises(ConnectionFailedError, match="GetQueueAttributes is a web page"):  # noqa: SIM117
        with explained(CONNECTION):
            make("sqs").get_queue_attributes(QueueUrl=f"{portal}/1/q")


def test_an_object_that_is_a_web_page_is_read(portal: str) -> None:
    got = client_factory({}, portal)("s3").get_object(Bucket="b", Key="k")
    assert got["Body"].read() == b"<html>log in</html>"


def test_a_credential_process_without_json_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = tmp_path / "config"
    configuration.write_text("[default]\nregion = eu-west-1\ncredential_process = echo hello\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(configuration))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SettingsError, match=r"`credential_process` .* did not print JSON"):
        connect({**NAMED, "AWS_REGION": "eu-west-1"}, tmp_path / "state")
