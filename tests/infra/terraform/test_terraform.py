"""The format and validity of terraform/, and its own tests with a mocked provider."""

from pathlib import Path

import pytest

from tests.infra.terraform.runs import SOURCES, Workspace, needs_terraform

pytestmark = needs_terraform


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace.made(tmp_path_factory.mktemp("terraform") / "copy")


def test_every_file_is_formatted(offline: Workspace) -> None:
    assert offline.done("fmt", "-check", "-recursive", "-diff") == ""


def test_the_configuration_is_valid(offline: Workspace) -> None:
    offline.done("validate", "-no-color")


@pytest.mark.long
def test_its_own_tests_pass(offline: Workspace) -> None:
    said = offline.done("test", "-no-color")
    for path in SOURCES.glob("tests/*.tftest.hcl"):
        assert f"tests/{path.name}... pass" in said


def test_its_own_tests_see_a_sum_that_is_not_checked(offline: Workspace, tmp_path: Path) -> None:
    broken = Workspace.made(tmp_path / "copy")
    variables = (broken.folder / "variables.tf").read_text()
    wrong = variables.replace(">= 6 * var.compactor_timeout", ">= 5 * var.compactor_timeout")
    assert wrong != variables
    (broken.folder / "variables.tf").write_text(wrong)
    ended = broken.run("test", "-no-color", "-filter=tests/sums.tftest.hcl")
    assert ended.returncode != 0
    assert 'run "visibility_below_six_times_the_functions_timeout"... fail' in ended.stdout
