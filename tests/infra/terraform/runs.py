"""terraform/ in a copy of its own, with a state of its own: the project stays untouched."""

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
    """What `terraform show -json` tells of a plan; what is known only after the apply is absent."""

    content: Mapping[str, Any]

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """Values of every resource of a type, by address."""
        return {
            resource["address"]: resource["values"]
            for resource in self._resources()
            if resource["type"] == kind
        }

    def the(self, kind: str) -> dict[str, Any]:
        """Values of the only resource of a type."""
        (values,) = self.of(kind).values()
        return values

    def policies(self) -> dict[str, Any]:
        """Every policy document, by the address of its resource."""
        return {
            resource["address"]: json.loads(resource["values"]["policy"])
            for resource in self._resources()
            if resource["values"].get("policy")
        }

    def changes(self) -> dict[str, set[str]]:
        """Address of each resource that would change → the attributes that would."""
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
    """An initialised copy of terraform/, and the environment in which its commands run."""

    folder: Path
    environment: Mapping[str, str]
    _plans: dict[str, Plan] = field(default_factory=dict)

    @classmethod
    def made(cls, folder: Path, endpoint: str | None = None) -> "Workspace":
        """Copied and initialised; commands reach the AWS at `endpoint`, or none."""
        shutil.copytree(SOURCES, folder, ignore=shutil.ignore_patterns(".terraform", "*.tfstate*"))
        (folder / "backend_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
        environment = dict(os.environ) if endpoint is None else environment_of(endpoint)
        made = cls(folder, {**environment, "TF_IN_AUTOMATION": "1", "TF_INPUT": "0"})
        made.done("init")
        return made

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A terraform command, whatever its end."""
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
        """What a command prints that must succeed."""
        ended = self.run(*arguments)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def plan(self, environment: str, *arguments: str) -> Plan:
        """The plan for one of `environments/`, made anew."""
        variables = f"-var-file=environments/{environment}.tfvars"
        self.done("plan", "-out=tfplan", variables, *arguments)
        return Plan(json.loads(self.done("show", "-json", "tfplan")))

    def first_plan(self, environment: str) -> Plan:
        """The plan of an environment in which nothing is there yet."""
        if environment not in self._plans:
            self._plans[environment] = self.plan(environment)
        return self._plans[environment]
