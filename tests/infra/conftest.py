"""Fixtures of the Terraform tests: a local AWS that knows budgets, and a copy of terraform/."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.ministack import process
from local.state import State
from tests.infra.terraform.runs import Workspace


@pytest.fixture(scope="session")
def empty_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the endpoint of an empty MiniStack."""
    state = State.at(tmp_path_factory.mktemp("aws") / "state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "SERVICES", f"{process.SERVICES},budgets")
        server = process.start(state, tied=True, for_terraform=True)
    yield server.endpoint
    process.stop(state)


@pytest.fixture(scope="session")
def workspace(empty_aws: str, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder: Path = tmp_path_factory.mktemp("terraform") / "copy"
    return Workspace.made(folder, empty_aws)
