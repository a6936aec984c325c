"""How `make invoke` and `make up` read the output of the tools that they run."""

import json
import os
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from local import cli
from local.commands import (
    MissingToolError,
    ToolFailedError,
    environment_of,
    find_tool,
    lines_of,
    run,
)
from local.deployed import terraform
from local.deployed.handover import handed_over
from local.deployed.terraform import Terraform
from local.deployed.up_and_down import up_deployed
from local.endpoint import Request
from local.errors import LocalAWSError, NotRunningError, StateFolderError
from local.invoke.cases import COMPACTOR_CASES, STREAM_CASES
from local.invoke.effects import EffectError, Effects
from local.invoke.engine import forwarded
from local.invoke.run import environment_for
from local.invoke.sam import InvocationError, answer_of
from local.progress import silent, uncounted
from local.quick.names import Names
from local.running import running, up
from local.stack import Stack
from local.state import State


def test_the_answer_is_the_last_line_that_sam_prints() -> None:
    assert answer_of('a log line\n{"batchItemFailures": []}\n', "") == {"batchItemFailures": []}


@pytest.mark.parametrize(
    ("stdout", "words"),
    [
        ("", "timed out or was killed"),
        ('{"errorType": "QueueSendError", "errorMessage": "none"}', "QueueSendError: none"),
        ("Killed", "not JSON"),
    ],
)
def test_an_error_that_sam_ends_with_zero_on_is_an_error(stdout: str, words: str) -> None:
    with pytest.raises(InvocationError, match=words):
        answer_of(stdout, "the end of the log")


def test_without_an_engine_the_exit_status_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    done = CliRunner().invoke(cli.app, ["invoke"])
    assert done.exit_code == cli.NO_ENGINE == 3
    assert "no Docker engine answers" in done.output


def test_the_environment_file_leads_to_the_endpoint_at_hand() -> None:
    text = environment_for("http://host.docker.internal:9")
    assert ":4566" not in text
    values = [value for part in json.loads(text).values() for value in part.values()]
    assert sum(value.startswith("http://host.docker.internal:9") for value in values) == 6


def test_a_forwarder_carries_both_ways() -> None:
    with socket.create_server(("127.0.0.1", 0)) as inside:
        port = inside.getsockname()[1]

        def answer() -> None:
            caller, _ = inside.accept()
            with caller:
                caller.sendall(caller.recv(100).upper())

        threading.Thread(target=answer, daemon=True).start()
        with forwarded("127.0.0.2", port), socket.create_connection(("127.0.0.2", port)) as outside:
            outside.sendall(b"through")
            outside.shutdown(socket.SHUT_WR)
            assert outside.recv(100) == b"THROUGH"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_an_address_of_another_machine_is_left_to_docker_desktop() -> None:
    port, entered = free_port(), False
    with forwarded("192.0.2.1", port):
        entered = True
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)
    assert entered


def test_an_address_of_this_machine_that_is_taken_is_an_error() -> None:
    with (
        socket.create_server(("127.0.0.2", 0)) as other,
        pytest.raises(LocalAWSError, match=r"cannot listen at 127\.0\.0\.2:\d+"),
        forwarded("127.0.0.2", other.getsockname()[1]),
    ):
        pytest.fail("the block must not be entered")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with running(tmp_path_factory.mktemp("aws") / "state", deploy=False) as stack:
        yield stack


@pytest.mark.parametrize("case", [STREAM_CASES[0], STREAM_CASES[3], COMPACTOR_CASES[0]])
def test_an_invocation_without_effect_is_seen(stack: Stack, case: Any) -> None:
    effects = Effects(stack)
    effects.prepare(case)
    with pytest.raises((EffectError, Exception), match=r"queued|no published version"):
        effects.check(case)


def test_the_stack_is_read_back_from_the_parameters(stack: Stack) -> None:
    clients = stack.clients()
    assert handed_over(clients, stack.names) == stack
    with pytest.raises(NotRunningError, match="receipt-sync/other/table-key-arn does not exist"):
        handed_over(clients, Names("other"))


def test_a_missing_tool_is_reported_before_anything_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match="terraform is not on PATH: install it, or"):
        up_deployed(State.at(tmp_path / "state"), Request(), silent, uncounted)
    assert not (tmp_path / "state").exists()
    monkeypatch.undo()
    assert find_tool("sh", "") == find_tool("sh", "")


def test_the_two_ways_of_provisioning_are_not_mixed(tmp_path: Path) -> None:
    state = State.at(tmp_path / "state")
    with state.locked():
        state.terraform.mkdir()
    with pytest.raises(StateFolderError, match="run `down` first"):
        up(state)
    state.terraform.rmdir()
    state.stack.touch()
    with pytest.raises(StateFolderError, match="run `down` first"):
        up_deployed(state, Request(), silent, uncounted)


def test_a_tool_that_fails_is_reported_with_the_end_of_its_output(tmp_path: Path) -> None:
    with pytest.raises(ToolFailedError, match=r"(?s)ended with 3:.*out of luck"):
        run(["sh", "-c", "echo out of luck; exit 3"], tmp_path, {"PATH": os.environ["PATH"]})
    with lines_of(["sh", "-c", "echo one; echo two"], tmp_path, dict(os.environ)) as lines:
        assert next(lines) == "one\n"


def test_tools_see_nothing_of_the_callers_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")
    found = environment_of("http://127.0.0.1:1")
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN"} & set(found)
    assert found["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert found["AWS_ACCESS_KEY_ID"] == "test"


TERRAFORM = """#!/bin/sh
echo "$@" >> said
echo '{"type": "change_summary", "changes": {"add": 2, "change": 0, "remove": 0}}'
echo 'a line for people'
echo '{"type": "apply_complete"}'
echo '{"type": "apply_complete"}'
"""


def test_terraforms_progress_is_counted_and_its_state_stays_in_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources, program = tmp_path / "sources", tmp_path / "bin" / "terraform"
    (sources / ".terraform").mkdir(parents=True)
    (sources / "main.tf").write_text('terraform {\n  backend "s3" {}\n}\n')
    program.parent.mkdir()
    program.write_text(TERRAFORM)
    program.chmod(0o755)
    monkeypatch.setattr(terraform, "SOURCES", sources)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    counts: list[tuple[int, int]] = []
    applied = Terraform.at(tmp_path / "copy", dict(os.environ))
    applied.init()
    applied.apply(lambda done, total: counts.append((done, total)))
    assert counts[0] == (0, 2)
    assert counts[-1] == (2, 2)
    assert 'backend "local"' in (tmp_path / "copy" / "backend_override.tf").read_text()
    assert not (tmp_path / "copy" / ".terraform").exists()
    said = (tmp_path / "copy" / "said").read_text().splitlines()
    assert said[1] == "apply -auto-approve -json -var-file=environments/local.tfvars"
