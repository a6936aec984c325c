"""`python -m local`: its options, its environment, its output and its exit codes."""

from pathlib import Path

import psutil
import pytest

from local.clients import Clients
from local.endpoint import Request
from local.errors import EndpointError
from local.ministack import process
from local.running import running, up
from local.stack import load
from local.state import State
from tests.functional.local_aws.recorder_functions import command, write_sources


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("http://127.0.0.1:9", "nothing answers"),
        ("https://dynamodb.us-east-1.amazonaws.com", "the real AWS"),
        ("127.0.0.1:4566", "http://host:port"),
    ],
)
def test_an_endpoint_that_can_not_be_used_is_refused(
    endpoint: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(EndpointError, match=words):
        up(State.at(tmp_path / "state"), Request(endpoint=endpoint))


def test_clients_ignore_the_endpoint_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    clients = Clients("http://127.0.0.1:4566/")
    assert clients.s3.meta.endpoint_url == "http://127.0.0.1:4566"
    assert clients.sqs.meta.endpoint_url == "http://127.0.0.1:4566"


def test_the_command_line_ends_in_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    done = command("status", "--state", str(tmp_path / "none"))
    assert done.returncode == 2
    assert done.stderr.startswith("local: no local AWS was started")
    assert "Traceback" not in done.stderr
    done = command("up", "--state", str(tmp_path / "s"), AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert done.returncode == 2
    assert "nothing answers at AWS_ENDPOINT_URL" in done.stderr


def test_up_and_down_say_what_they_do(tmp_path: Path) -> None:
    folder, sources = str(tmp_path / "state"), str(write_sources(tmp_path / "src"))
    done = command("up", "--state", folder, "--sources", sources, "--function-timeout", "5")
    try:
        assert done.returncode == 0, done.stderr
        stack = load(tmp_path / "state")
        assert f"up at {stack.endpoint}" in done.stdout
        got = stack.clients().sqs.get_queue_attributes(
            QueueUrl=stack.queues.compaction.url, AttributeNames=["VisibilityTimeout"]
        )
        assert got["Attributes"] == {"VisibilityTimeout": "30"}
    finally:
        done = command("down", "--state", folder)
    assert "processes ended: 1" in done.stdout
    assert not (tmp_path / "state").exists()


def test_nothing_of_the_callers_environment_reaches_the_functions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    with running(tmp_path / "state", deploy=False):
        server = process.find(State.at(tmp_path / "state"))
        assert server is not None
        inherited = psutil.Process(server.pid).environ()
    assert not {"AWS_ROLE_ARN", "AWS_SESSION_TOKEN", "LOG_LEVEL"} & set(inherited)
    assert inherited["AWS_ACCESS_KEY_ID"] == "test"
