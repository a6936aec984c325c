"""The files that serve contributors agree with the project that they describe."""

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2]
GITHUB = PROJECT / ".github"
FORMS = sorted(GITHUB.glob("ISSUE_TEMPLATE/*.yml"))
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())
PINNED = re.compile(r"^([a-z0-9-]+)==", re.MULTILINE)


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def hooks() -> list[dict[str, Any]]:
    repositories = read(PROJECT / ".pre-commit-config.yaml")["repos"]
    assert [each["repo"] for each in repositories] == ["local"]
    found: list[dict[str, Any]] = repositories[0]["hooks"]
    return found


@pytest.mark.parametrize("hook", hooks(), ids=lambda hook: hook["id"])
def test_a_hook_calls_a_tool_of_the_project(hook: dict[str, Any]) -> None:
    command = hook["entry"].split()[0]
    assert hook["language"] == "system"
    locked = set(PINNED.findall((PROJECT / "requirements.lock").read_text()))
    assert command == "git" or command.removeprefix(".venv/bin/") in locked


def test_the_editors_and_ruff_agree_about_long_lines() -> None:
    python = (PROJECT / ".editorconfig").read_text().split("[*.py]")[1].split("[")[0]
    assert f"max_line_length = {PYPROJECT['tool']['ruff']['line-length']}" in python


def test_the_development_container_has_a_python_that_the_project_supports() -> None:
    container = json.loads((PROJECT / ".devcontainer/devcontainer.json").read_text())
    version = container["image"].rpartition(":")[2]
    checks = read(GITHUB / "workflows/checks.yml")
    assert version in checks["jobs"]["test"]["strategy"]["matrix"]["python"]
    steps = checks["jobs"]["test"]["steps"]
    wanted = [step["with"]["terraform_version"] for step in steps if "terraform" in str(step)]
    [terraform] = [each for name, each in container["features"].items() if "terraform" in name]
    assert [terraform["version"]] == wanted


@pytest.mark.parametrize(("target", "marks"), [("test", ["-m", "not long"]), ("test-all", [])])
def test_make_runs_every_file_of_tests(target: str, marks: list[str]) -> None:
    printed = subprocess.run(
        ["make", "--dry-run", target], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout
    (line,) = [line for line in printed.splitlines() if line.startswith(".venv/bin/pytest ")]
    words = shlex.split(line)
    assert [word for word in words if word in ("-m", "not long")] == marks
    named = [PROJECT / word for word in words if word.startswith("tests/")]
    for file in (PROJECT / "tests").rglob("test_*.py"):
        assert any(file == path or path in file.parents for path in named), file


def test_code_owners_name_files_that_exist() -> None:
    lines = [line.split() for line in (GITHUB / "CODEOWNERS").read_text().splitlines()]
    rules = [words for words in lines if words and not words[0].startswith("#")]
    assert rules[0][0] == "*"
    for path, owner in rules[1:]:
        assert (PROJECT / path.lstrip("/")).exists(), path
        assert owner.startswith("@")


def test_dependabot_looks_where_there_are_dependencies() -> None:
    looks = {(each["package-ecosystem"], each["directory"]) for each in updates()}
    assert looks == {("github-actions", "/"), ("pip", "/"), ("terraform", "/terraform")}


def updates() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read(GITHUB / "dependabot.yml")["updates"]
    return found


@pytest.mark.parametrize(
    "form", [form for form in FORMS if form.name != "config.yml"], ids=lambda form: form.stem
)
def test_an_issue_form_has_what_github_asks_of_it(form: Path) -> None:
    """GitHub: name, description, body; unique ids; a label on every input."""
    content = read(form)
    assert {"name", "description", "body"} <= set(content)
    inputs = [each for each in content["body"] if each["type"] != "markdown"]
    assert {each["type"] for each in inputs} <= {"input", "textarea", "dropdown", "checkboxes"}
    assert all(each["attributes"]["label"] for each in inputs)
    ids = [each["id"] for each in inputs]
    assert len(ids) == len(set(ids)) > 0


def test_the_changelog_has_a_place_for_the_next_version_and_known_headings() -> None:
    """https://keepachangelog.com/en/1.1.0/"""
    text = (PROJECT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert versions[0] == "[Unreleased]"
    assert all(
        re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", each) for each in versions[1:]
    )
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.*)$", text, re.MULTILINE)) <= kinds


def test_make_check_reads_only_what_git_tracks(tmp_path: Path) -> None:
    shutil.copy(PROJECT / "Makefile", tmp_path)
    (tmp_path / ".venv").mkdir()
    for name in ("requirements.lock", "pyproject.toml", "kept.py", "own.py", ".venv/.installed"):
        (tmp_path / name).touch()
    run_in(tmp_path, "git", "init", "--quiet")
    run_in(tmp_path, "git", "add", "kept.py")
    checked = re.findall(r"ruff check (.*)", run_in(tmp_path, "make", "-n", "check"))
    assert checked == ["kept.py"]


def run_in(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout
