"""The GitHub workflows are valid and pinned, have no needless rights, and call existing targets."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.state import PROJECT
from tests.reliability.report.parts.all_parts import PARTS

WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def tool(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).parent / name, *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def read(name: str) -> dict[Any, Any]:
    workflow: dict[Any, Any] = yaml.safe_load(
        (PROJECT / ".github" / "workflows" / name).read_text()
    )
    return workflow


def runs(workflow: Path) -> list[str]:
    jobs = yaml.safe_load(workflow.read_text())["jobs"].values()
    return [step["run"] for job in jobs for step in job.get("steps", []) if "run" in step]


def zizmor(*inputs: Path | str) -> subprocess.CompletedProcess[str]:
    """zizmor checks GitHub's schema first, and then looks for weaknesses."""
    return tool("zizmor", "--offline", "--no-progress", "--strict-collection", *map(str, inputs))


def test_every_workflow_fits_githubs_schema_and_has_no_known_weakness() -> None:
    done = zizmor(".github")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("good", "bad"),
    [("@11bd71901bbe", "@v4 # 11bd71901bbe"), ("runs-on:", "runs-onn:")],
    ids=["unpinned", "misspelt"],
)
def test_a_broken_workflow_would_be_found(tmp_path: Path, good: str, bad: str) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_text(WORKFLOWS[0].read_text().replace(good, bad))
    assert zizmor(broken).returncode != 0


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_of_others_are_pinned_to_a_commit_with_its_version(workflow: Path) -> None:
    uses = [line.strip(" -") for line in workflow.read_text().splitlines() if "uses:" in line]
    assert uses
    for line in uses:
        assert line.startswith("uses: ./.github/") or PINNED.fullmatch(line), line


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_every_make_target_exists(workflow: Path) -> None:
    makefile = (PROJECT / "Makefile").read_text()
    for target in re.findall(r"\bmake ([a-z-]+)", "\n".join(runs(workflow))):
        assert re.search(rf"^{target}:.*## ", makefile, re.MULTILINE), target


def test_tests_run_on_every_python_that_the_project_supports() -> None:
    wanted = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert wanted == ">=3.11,<3.14"
    versions = read("checks.yml")["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert versions == ["3.11", "3.12", "3.13"]


@pytest.mark.parametrize(("name", "event"), [("dev", "push"), ("prod", "release")])
def test_nothing_is_deployed_before_its_checks_have_passed(name: str, event: str) -> None:
    workflow = read(f"deploy-{name}.yml")
    assert list(workflow[True]) == [event]  # YAML reads the key "on" as true
    assert workflow["jobs"]["checks"]["uses"] == "./.github/workflows/checks.yml"
    assert workflow["jobs"][name]["needs"] == "checks"
    assert workflow["jobs"][name]["with"] == {"environment": name}


def test_the_plan_is_posted_before_it_is_applied_and_smoke_comes_last() -> None:
    jobs = read("deploy.yml")["jobs"]
    assert jobs["apply"]["needs"] == "plan"
    assert "GITHUB_STEP_SUMMARY" in jobs["plan"]["steps"][-2]["run"]
    steps = [step["run"] for step in jobs["apply"]["steps"] if "run" in step]
    order = ["make size", "terraform apply", "sam deploy", "receipt-sync smoke"]
    positions = [next(i for i, run in enumerate(steps) if wanted in run) for wanted in order]
    assert positions == sorted(positions)
    assert positions[-1] == len(steps) - 1


def test_aws_is_reached_by_a_role_and_never_by_a_stored_key() -> None:
    for workflow in WORKFLOWS:
        text = workflow.read_text()
        assert "secrets." not in text
        assert "aws-access-key-id" not in text
    assert read("deploy.yml")["jobs"]["apply"]["permissions"]["id-token"] == "write"


def test_a_release_is_attached_only_after_its_checks_and_its_build() -> None:
    workflow = read("release.yml")
    assert workflow[True] == {"push": {"tags": ["v*"]}}
    assert workflow["jobs"]["checks"]["uses"] == "./.github/workflows/checks.yml"
    assert set(workflow["jobs"]["attach"]["needs"]) == {"checks", "build"}
    writing = [name for name, job in workflow["jobs"].items() if "write" in str(job["permissions"])]
    assert writing == ["attach"]
    assert "--draft" in workflow["jobs"]["attach"]["steps"][-1]["run"]


def test_every_part_of_the_campaign_runs_at_night() -> None:
    commands = "\n".join(runs(PROJECT / ".github/workflows/nightly.yml"))
    parts = [name for some in re.findall(r'PARTS="?([a-z_ ]+)', commands) for name in some.split()]
    assert sorted([*parts, "simulation"]) == sorted(PARTS)
    assert "make simulate FIRST=" in commands
    assert "make mutate MUTANTS=" in commands
    assert "make audit" in commands
