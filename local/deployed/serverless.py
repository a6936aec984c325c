"""Builds and deploys template.yaml to the local AWS, as `sam deploy --config-env local` does."""

import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from local.clients import Clients
from local.commands import run
from local.stack import Deployment
from local.state import PROJECT

_CONFIG: Final = PROJECT / "samconfig.toml"
_LOCAL: Final = ("--config-env", "local", "--config-file", str(_CONFIG))
_SAM: Final = str(Path(sys.executable).with_name("sam"))


def build(environment: Mapping[str, str], folder: Path, started_here: bool) -> None:
    """Build both packages.

    A MiniStack that was started here runs them with this Python, so they are built for it.
    """
    target = "here" if started_here else "lambda"
    settings = {**environment, "PACKAGE_FOR": target, "SAM_CLI_TELEMETRY": "0"}
    run([_SAM, "build", *_LOCAL, "--build-dir", str(folder)], PROJECT, settings)


def deploy(environment: Mapping[str, str], folder: Path, working_copies: Path | None) -> None:
    """Deploy the packages in the folder. Keep working copies in `working_copies`, if given."""
    parameters = list(_parameters()["parameter_overrides"])
    if working_copies is not None:
        parameters.append(f"WorkingCopyRoot={working_copies}")
    run(
        [
            *(_SAM, "deploy", *_LOCAL, "--template-file", str(folder / "template.yaml")),
            *("--parameter-overrides", *parameters),
        ],
        PROJECT,
        {**environment, "SAM_CLI_TELEMETRY": "0"},
    )


def delete(environment: Mapping[str, str]) -> None:
    """Delete the functions, their mappings and roles."""
    run(
        [_SAM, "delete", *_LOCAL, "--no-prompts"],
        PROJECT,
        {**environment, "SAM_CLI_TELEMETRY": "0"},
    )


def is_deployed(clients: Clients) -> bool:
    """Return whether there is a CloudFormation stack to delete."""
    stacks = clients.client("cloudformation").list_stacks()["StackSummaries"]
    name = _parameters()["stack_name"]
    return any(s["StackName"] == name and s["StackStatus"] != "DELETE_COMPLETE" for s in stacks)


def deployment_of(clients: Clients) -> Deployment:
    """Return the deployment that the outputs of the CloudFormation stack describe."""
    name = _parameters()["stack_name"]
    stacks = clients.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    outputs = stacks[0]["Outputs"]
    return Deployment.of({output["OutputKey"]: output["OutputValue"] for output in outputs})


def _parameters() -> dict[str, Any]:
    """Return the parameters of the deployment in samconfig.toml."""
    config = tomllib.loads(_CONFIG.read_text())
    return dict(config["local"]["deploy"]["parameters"])
