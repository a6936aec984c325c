"""`make up` and `make down` deploy and delete the system with terraform/ and template.yaml."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local.deployed.up_and_down import up_deployed
from local.endpoint import Request
from local.ministack import process
from local.ministack.processes import ProcessGroup
from local.progress import silent, uncounted
from local.running import down
from local.stack import Stack, load
from local.state import State
from local.status import status_of
from receipt_ops.connection import connect
from tests.e2e.conftest import System
from tests.infra.terraform.runs import needs_terraform

pytestmark = [needs_terraform, pytest.mark.timeout(900), pytest.mark.long]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    state = State.at(tmp_path_factory.mktemp("deployed") / "state")
    yield state
    down(state)


@pytest.fixture(scope="module")
def deployed(state: State) -> Stack:
    return up_deployed(state, Request(tied=True), silent, uncounted)


def test_receipts_that_are_loaded_are_published_without_a_difference(deployed: Stack) -> None:
    system = System(deployed, connect(deployed.variables, Path()))
    loaded = system.command("load", "--synthetic", "10", "--seed", "1")
    assert loaded.code == 0, loaded.stderr
    verdict = system.settled()
    assert verdict["different"] == verdict["missing"] == verdict["unexpected"] == 0, verdict
    assert verdict["equal"] > 0


def test_what_was_deployed_is_what_the_stack_file_says(deployed: Stack, state: State) -> None:
    assert load(state.path) == deployed
    status = status_of(state)
    assert [function.mapping for function in status.functions] == ["Enabled", "Enabled"]


def test_down_leaves_nothing(deployed: Stack, state: State) -> None:
    server = process.find(state)
    assert server is not None
    members = [process.pid for process in server.group.members()]
    down(state)
    assert not state.path.exists()
    assert not any(map(psutil.pid_exists, members))
    assert not ProcessGroup(server.pid, server.began).members()
