"""The server of the local AWS: it starts once, and ends with all its processes and files."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local.clients import Clients
from local.endpoint import Request
from local.errors import NotRunningError, StartError, StateFolderError
from local.ministack import process
from local.running import down, up
from local.stack import load
from local.state import PROJECT, State
from local.status import status_of
from tests.functional.local_aws.recorder_functions import eventually, write_sources


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[State]:
    """Yield a state folder with an empty MiniStack."""
    state = State.at(tmp_path / "state")
    with state.locked():
        process.start(state, tied=True)
    yield state
    down(state)


def test_down_leaves_no_process_and_no_file_though_a_function_is_busy(tmp_path: Path) -> None:
    sources, busy = write_sources(tmp_path / "src"), tmp_path / "busy"
    state = State.at(tmp_path / "state")
    stack = up(state, Request(sources=sources, tied=True))
    server = process.find(state)
    assert server is not None
    stack.clients().lambda_.invoke(
        FunctionName=stack.names.compactor,
        InvocationType="Event",
        Payload=json.dumps({"sleep": 60, "touch": str(busy)}),
    )
    eventually(busy.exists, "the function begins")
    members = [process.pid for process in server.group.members()]
    assert len(members) >= 2, "the server and a worker"
    assert down(state) == len(members)
    assert not any(map(psutil.pid_exists, members))
    assert not state.path.exists()


def test_a_server_that_died_is_replaced(bare: State) -> None:
    dead = process.find(bare)
    assert dead is not None
    os.kill(dead.pid, signal.SIGKILL)
    eventually(lambda: process.find(bare) is None, "the server is gone")
    stack = up(bare, Request(functions=False, tied=True))
    assert stack.endpoint != dead.endpoint
    alive = process.find(bare)
    assert alive is not None
    assert status_of(bare).pid == alive.pid


def test_the_server_ends_with_the_process_that_it_is_tied_to(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    script = (
        "import time; from pathlib import Path; from local.running import running\n"
        f"with running(Path({str(folder)!r}), deploy=False):\n"
        "    print('up', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=PROJECT, stdout=subprocess.PIPE
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"up\n"
        server = process.recorded(State.at(folder))
        owner.kill()
    assert server is not None
    eventually(lambda: not server.group.members(), "the server ends too")


def test_a_process_that_is_not_ours_is_never_ended(tmp_path: Path) -> None:
    state = State.at(tmp_path / "state")
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as other:
        with state.locked():
            began = psutil.Process(other.pid).create_time()
            record = {"pid": other.pid, "began": began, "port": 1}
            state.server.write_text(json.dumps(record))
        assert down(state) == 0
        assert other.poll() is None
        other.kill()


def test_an_aws_that_already_runs_is_used_and_cleared_up(bare: State, tmp_path: Path) -> None:
    server = process.find(bare)
    assert server is not None
    state, clients = State.at(tmp_path / "elsewhere"), Clients(server.endpoint)
    request = Request(endpoint=server.endpoint, sources=write_sources(tmp_path / "src"))
    stack = up(state, request)
    assert not state.server.exists(), "nothing was started"
    for body in (b"1", b"2"):
        clients.s3.put_object(Bucket=stack.names.bucket, Key="snapshot", Body=body)
    assert down(state) == 0
    assert process.find(bare) == server, "what was found running runs on"
    assert clients.dynamodb.list_tables()["TableNames"] == []
    assert clients.sqs.list_queues().get("QueueUrls", []) == []
    assert clients.s3.list_buckets()["Buckets"] == []
    assert clients.lambda_.list_functions()["Functions"] == []
    assert clients.lambda_.list_event_source_mappings()["EventSourceMappings"] == []
    assert clients.iam.list_roles()["Roles"] == []
    assert clients.ssm.describe_parameters()["Parameters"] == []
    assert clients.kms.list_aliases()["Aliases"] == []
    assert clients.logs.describe_log_groups()["logGroups"] == []


def test_a_port_in_use_is_reported_with_the_end_of_the_log(tmp_path: Path) -> None:
    state = State.at(tmp_path / "state")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match="already in use"):
            up(state, Request(port=port))
    down(state)
    assert not state.path.exists()


def test_a_folder_with_other_files_is_neither_used_nor_removed(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("two years of work")
    with pytest.raises(StateFolderError, match="files that do not belong to a local AWS"):
        up(State.at(tmp_path))
    assert down(State.at(tmp_path)) == 0
    assert (tmp_path / "thesis.txt").exists()


def test_two_commands_do_not_work_on_one_folder_at_once(tmp_path: Path) -> None:
    state = State.at(tmp_path / "state")
    with state.locked(), pytest.raises(StateFolderError, match="another command"):
        up(State.at(tmp_path / "state"))


def test_no_stack_is_an_error_that_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(NotRunningError, match="python -m local up"):
        load(tmp_path)
