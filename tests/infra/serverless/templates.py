"""template.yaml as SAM builds it, transforms it, and as CloudFormation would resolve it."""

import json
import os
import re
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

from local.state import PROJECT

ACCOUNT, REGION = "000000000000", "us-east-1"
_FOLDERS: list[TemporaryDirectory[str]] = []
"""They live as long as the process."""


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
    """The build folder of `sam build`, made once a process."""
    folder = TemporaryDirectory(prefix="sam-built-")
    _FOLDERS.append(folder)
    done = sam("build", "--build-dir", f"{folder.name}/build")
    assert done.returncode == 0, done.stderr
    return Path(folder.name) / "build"


def overrides(environment: str) -> dict[str, str]:
    """The parameters that samconfig.toml gives to the deployment of an environment."""
    config = tomllib.loads((PROJECT / "samconfig.toml").read_text())
    listed = config[environment]["deploy"]["parameters"]["parameter_overrides"]
    return dict(entry.split("=", 1) for entry in listed)


def resources(parameters: Mapping[str, str], handed_over: Mapping[str, str]) -> dict[str, Any]:
    """Every resource of the built template, its intrinsic functions resolved.

    `handed_over` are the SSM parameters by their full names.
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
    plain = transform(template, {}, _NoManagedPolicies())
    return _Resolver(values, plain).resources()


def _value(definition: Mapping[str, Any], given: str | None, handed: Mapping[str, str]) -> str:
    text = str(definition.get("Default") if given is None else given)
    return handed[text] if definition["Type"].startswith("AWS::SSM::Parameter") else text


class _NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


class _Resolver:
    """Ref, Sub, GetAtt, If, Equals, And and Not: all that this template uses, or a KeyError."""

    def __init__(self, values: Mapping[str, str], template: Mapping[str, Any]) -> None:
        self._template = template
        self._values: dict[str, Any] = {
            **values,
            "AWS::AccountId": ACCOUNT,
            "AWS::Region": REGION,
            "AWS::Partition": "aws",
        }

    def resources(self) -> dict[str, Any]:
        return {
            name: {**resource, "Properties": self._of(resource["Properties"])}
            for name, resource in self._template["Resources"].items()
        }

    def _of(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self._of(one) for one in node]
        if not isinstance(node, dict):
            return node
        function = next(iter(node), "")
        if len(node) == 1 and (function == "Ref" or function.startswith("Fn::")):
            return self._call(function, node[function])
        resolved = {name: self._of(value) for name, value in node.items()}
        return {name: value for name, value in resolved.items() if value is not None}

    def _call(self, function: str, argument: Any) -> Any:
        if function == "Ref":
            return self._ref(argument)
        if function == "Fn::Sub":
            return re.sub(r"\$\{([^}]+)\}", lambda found: str(self._ref(found[1])), argument)
        if function == "Fn::GetAtt":
            return self._arn_of_role(*argument)
        if function == "Fn::If":
            condition, yes, no = argument
            return self._of(yes if self._holds(condition) else no)
        raise KeyError(function)

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return None
        return self._values[name] if name in self._values else self._property(name, "FunctionName")

    def _arn_of_role(self, name: str, attribute: str) -> str:
        assert attribute == "Arn"
        return f"arn:aws:iam::{ACCOUNT}:role/{self._property(name, 'RoleName')}"

    def _property(self, resource: str, name: str) -> Any:
        return self._of(self._template["Resources"][resource]["Properties"][name])

    def _holds(self, condition: str) -> bool:
        return self._is_true(self._template["Conditions"][condition])

    def _is_true(self, node: Any) -> bool:
        ((function, argument),) = node.items()
        if function == "Condition":
            return self._holds(argument)
        if function == "Fn::Not":
            return not self._is_true(argument[0])
        if function == "Fn::And":
            return all(map(self._is_true, argument))
        if function == "Fn::Equals":
            one, other = argument
            return str(self._of(one)) == str(self._of(other))
        raise KeyError(function)


def pattern_set(criteria: Mapping[str, Any]) -> list[Any]:
    """The patterns of a FilterCriteria as values, whatever their spacing."""
    return [json.loads(entry["Pattern"]) for entry in criteria["Filters"]]
