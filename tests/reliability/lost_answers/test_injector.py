"""The injector performs a call and loses its answer. The SDK's repetition meets the effect."""

from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import HTTPClientError

from tests.reliability.lost_answers.calls import Call, call_of
from tests.reliability.lost_answers.injector import Injector, Loss, Mode

_BUCKET = "bucket"
_MANIFEST = "snapshots/receipt_lines/manifest.json"
_CALL = Call("PutObject", "a first manifest of receipt_lines")


class Network:
    """In place of botocore's session: a bucket that keeps its conditions, without a socket."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.requests = 0

    def send(self, session: Any, request: Any) -> Any:
        self.requests += 1
        refused = request.headers.get("If-None-Match") == b"*" and request.url in self.objects
        if not refused:
            self.objects[request.url] = b"stored"
        raw = SimpleNamespace(close=lambda: None)
        status = 412 if refused else 200
        headers = {"ETag": '"tag"'}
        return SimpleNamespace(status_code=status, headers=headers, content=b"", text="", raw=raw)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    made = Network()
    monkeypatch.setattr("botocore.httpsession.URLLib3Session.send", made.send)
    return made


@pytest.fixture
def s3() -> Any:
    config = Config(retries={"mode": "standard", "total_max_attempts": 3})
    return boto3.client("s3", endpoint_url="http://127.0.0.1:1", config=config)


def put(s3: Any) -> Any:
    return s3.put_object(Bucket=_BUCKET, Key=_MANIFEST, Body=b"1", IfNoneMatch="*")


def test_a_call_without_a_loss_is_recorded_once(network: Network, s3: Any) -> None:
    with Injector().listening() as record:
        assert put(s3)["ETag"] == '"tag"'
    assert record.calls == [(_CALL, 1)]
    assert (record.lost, network.requests) == (0, 1)


def test_the_sdk_repeats_a_call_whose_first_answer_is_lost_and_meets_its_effect(
    network: Network, s3: Any
) -> None:
    with (
        Injector(Loss(_CALL, 1, Mode.ONCE)).listening() as record,
        pytest.raises(s3.exceptions.ClientError, match="412"),
    ):
        put(s3)
    assert (record.lost, record.repeated[_CALL], network.requests) == (1, 1, 2)
    assert len(network.objects) == 1


def test_the_sdk_gives_up_if_every_answer_is_lost(network: Network, s3: Any) -> None:
    with (
        Injector(Loss(_CALL, 1, Mode.ALWAYS)).listening() as record,
        pytest.raises(HTTPClientError),
    ):
        put(s3)
    assert (record.lost, network.requests) == (3, 3)
    assert len(network.objects) == 1


def test_only_the_chosen_occurrence_is_lost(network: Network, s3: Any) -> None:
    with Injector(Loss(_CALL, 2, Mode.ALWAYS)).listening() as record:
        put(s3)
    assert record.lost == 0


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "call"),
    [
        ("PUT", "/b/snapshots/receipt_words/packs/ab", {}, b"",
         "PutObject of a pack of receipt_words"),
        ("PUT", f"/b/{_MANIFEST}", {"If-Match": b"x"}, b"",
         "PutObject of a manifest of receipt_lines"),
        ("GET", "/b/deltas/receipt_lines/1.npz", {}, b"", "GetObject of a delta"),
        ("POST", "/b?delete", {}, b"<Key>snapshots/receipt_words/packs/a</Key>",
         "DeleteObjects of what expired of receipt_words"),
        ("POST", "/", {"X-Amz-Target": "DynamoDB_20120810.DeleteItem"},
         b'{"Key": {"PK": {"S": "LOCK#chroma-a-lines"}}}', "DeleteItem of the lease of lines"),
        ("POST", "/", {"X-Amz-Target": "AmazonSQS.SendMessage"},
         b'{"QueueUrl": "http://h/0/chromadb-delta-dlq-local"}',
         "SendMessage of dead letters of the compactor"),
    ],
)  # fmt: skip
def test_a_request_is_named(
    method: str, path: str, headers: dict[str, str], body: bytes, call: str
) -> None:
    url = f"http://127.0.0.1:1{path}"
    request = SimpleNamespace(method=method, url=url, headers=headers, body=body)
    assert str(call_of(request)) == call
    assert call_of(request).is_write == (method != "GET")
