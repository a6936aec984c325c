"""Builds template.yaml with SAM, transforms it, and resolves it as CloudFormation does."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

from local.quick.template import Resolver
from local.state import PROJECT

ACCOUNT = "000000000000"
_FOLDERS: list[TemporaryDirectory[str]] = []
"""Temporary folders that must live as long as the process."""


def sam(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the SAM command line in the project, without telemetry."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("sam")), *arguments],
        cwd=PROJECT,
        env={**os.environ, "SAM_CLI_TELEMETRY": "0", **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@cache
def built() -> Path:
    """Return the folder of `sam build`, which runs once in a process."""
    folder = TemporaryDirectory(prefix="sam-built-")
    _FOLDERS.append(folder)
    done = sam("build", "--build-dir", f"{folder.name}/build")
    assert done.returncode == 0, done.stderr
    return Path(folder.name) / "build"


def overrides(environment: str) -> dict[str, str]:
    """Return the parameters of an environment's deployment in samconfig.toml."""
    config = tomllib.loads((PROJECT / "samconfig.toml").read_text())
    listed = config[environment]["deploy"]["parameters"]["parameter_overrides"]
    return dict(entry.split("=", 1) for entry in listed)


def resources(parameters: Mapping[str, str], handed_over: Mapping[str, str]) -> dict[str, Any]:
    """Return every resource of the built template, with resolved intrinsic functions.

    `handed_over` holds the SSM parameters by their full names.
    """
    template = yaml_parse((built() / "template.yaml").read_text())
    values = {
        name: _value(definition, parameters.get(name), handed_over)
        for name, definition in template["Parameters"].items()
    }
    for resource in template["Resources"].values():
        if "CodeUri" in resource["Properties"]:
            resource["Properties"]["CodeUri"] = "s3://packages/one.zip"
    template["Globals"]["Function"].pop("CodeUri", None)
    plain = transform(template, {}, _NoManagedPolicies())["Resources"]
    resolver = Resolver(template, values, ACCOUNT)
    for name, resource in plain.items():
        properties = resource["Properties"]
        if resource["Type"] == "AWS::IAM::Role":
            role = resolver.of(properties["RoleName"])
            resolver.learn({f"{name}.Arn": f"arn:aws:iam::{ACCOUNT}:role/{role}"})
        elif resource["Type"] == "AWS::Lambda::Function":
            resolver.learn({name: resolver.of(properties["FunctionName"])})
    return {
        name: {**resource, "Properties": resolver.of(resource["Properties"])}
        for name, resource in plain.items()
    }


def _value(definition: Mapping[str, Any], given: str | None, handed: Mapping[str, str]) -> str:
    text = str(definition.get("Default") if given is None else given)
    return handed[text] if definition["Type"].startswith("AWS::SSM::Parameter") else text


class _NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}
