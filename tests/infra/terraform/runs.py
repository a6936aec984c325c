"""Runs Terraform in a copy of terraform/ with its own state, so that the project is unchanged."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from local.commands import environment_of
from local.state import PROJECT

SOURCES: Final = PROJECT / "terraform"
ENVIRONMENTS: Final = tuple(sorted(path.stem for path in SOURCES.glob("environments/*.tfvars")))

needs_terraform = pytest.mark.skipif(
    shutil.which("terraform") is None, reason="terraform is not on PATH"
)


@dataclass(frozen=True)
class Plan:
    """The output of `terraform show -json`. Values that are unknown before the apply are absent."""

    content: Mapping[str, Any]

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the values of every resource of a type, by address."""
        return {
            resource["address"]: resource["values"]
            for resource in self._resources()
            if resource["type"] == kind
        }

    def the(self, kind: str) -> dict[str, Any]:
        """Return the values of the only resource of a type."""
        (values,) = self.of(kind).values()
        return values

    def policies(self) -> dict[str, Any]:
        """Return every policy document, by the address of its resource."""
        return {
            resource["address"]: json.loads(resource["values"]["policy"])
            for resource in self._resources()
            if resource["values"].get("policy")
        }

    def changes(self) -> dict[str, set[str]]:
        """Return the changed attributes, by the address of the resource."""
        return {
            change["address"]: _differing(change["change"])
            for change in self.content["resource_changes"]
            if change["mode"] == "managed" and change["change"]["actions"] != ["no-op"]
        }

    def _resources(self) -> Iterator[Mapping[str, Any]]:
        yield from self.content["planned_values"]["root_module"]["resources"]


def _differing(change: Mapping[str, Any]) -> set[str]:
    before, after = change["before"] or {}, change["after"] or {}
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


@dataclass(frozen=True)
class Workspace:
    """An initialised copy of terraform/, and the environment of its commands."""

    folder: Path
    environment: Mapping[str, str]
    _plans: dict[str, Plan] = field(default_factory=dict)

    @classmethod
    def made(cls, folder: Path, endpoint: str | None = None) -> "Workspace":
        """Return an initialised copy. Its commands reach the AWS at `endpoint`, or none."""
        shutil.copytree(SOURCES, folder, ignore=shutil.ignore_patterns(".terraform", "*.tfstate*"))
        (folder / "backend_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
        environment = dict(os.environ) if endpoint is None else environment_of(endpoint)
        made = cls(folder, {**environment, "TF_IN_AUTOMATION": "1", "TF_INPUT": "0"})
        made.done("init")
        return made

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a terraform command, and return its result, also after a failure."""
        return subprocess.run(
            ["terraform", *arguments],
            cwd=self.folder,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )

    def done(self, *arguments: str) -> str:
        """Return the output of a command. Fail if the command fails."""
        ended = self.run(*arguments)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def plan(self, environment: str, *arguments: str) -> Plan:
        """Return a new plan for one of `environments/`."""
        variables = f"-var-file=environments/{environment}.tfvars"
        self.done("plan", "-out=tfplan", variables, *arguments)
        return Plan(json.loads(self.done("show", "-json", "tfplan")))

    def first_plan(self, environment: str) -> Plan:
        """Return the plan of an environment that has no resources yet."""
        if environment not in self._plans:
            self._plans[environment] = self.plan(environment)
        return self._plans[environment]
