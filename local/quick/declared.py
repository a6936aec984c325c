"""The functions, roles and event source mappings that template.yaml declares.

The result is what SAM and CloudFormation would ask the APIs of AWS for. Format of the template:
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from local.quick.template import Resolver, TemplateError

_FUNCTION: Final = "AWS::Serverless::Function"
_ROLE: Final = "AWS::IAM::Role"
_PROPERTIES: Final = {
    **{
        name: name
        for name in (
            "Architectures",
            "Description",
            "Environment",
            "EphemeralStorage",
            "FunctionName",
            "Handler",
            "LoggingConfig",
            "MemorySize",
            "Role",
            "Runtime",
            "Timeout",
        )
    },
    "KmsKeyArn": "KMSKeyArn",
    "Tracing": "TracingConfig",
}
"""Property of a function in the template → parameter of Lambda's CreateFunction."""
_NOT_CONFIGURATION: Final = {"CodeUri", "Events"}
_SOURCES: Final = {"DynamoDB": "Stream", "SQS": "Queue"}
"""Type of an event → the property that holds the ARN of its source."""


@dataclass(frozen=True)
class Role:
    """A role: who may assume it, and its inline policies by name."""

    name: str
    assumed_by: Mapping[str, Any]
    policies: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Function:
    """A function. `configuration` holds the parameters of CreateFunction, apart from its code.

    `mappings` holds the parameters of CreateEventSourceMapping, by the logical id of the mapping.
    """

    package: str
    configuration: Mapping[str, Any]
    mappings: Mapping[str, Mapping[str, Any]]

    @property
    def name(self) -> str:
        """Return the name of the function."""
        return str(self.configuration["FunctionName"])


def roles_of(template: Mapping[str, Any], resolver: Resolver) -> dict[str, Role]:
    """Return the roles of the template, by logical id. Raises TemplateError."""
    return {name: _role(resolver.of(node)) for name, node in _resources(template, _ROLE).items()}


def functions_of(template: Mapping[str, Any], resolver: Resolver) -> dict[str, Function]:
    """Return the functions of the template, by logical id. Raises TemplateError."""
    common = template.get("Globals", {}).get("Function", {})
    return {
        name: _function(name, resolver.of(_merged(common, node)))
        for name, node in _resources(template, _FUNCTION).items()
    }


def _resources(template: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the properties of each resource of a type, by logical id."""
    for name, resource in template["Resources"].items():
        if resource["Type"] not in (_FUNCTION, _ROLE):
            raise TemplateError(
                f"{name} of template.yaml has the type {resource['Type']}, which the quick form of "
                "the local AWS does not create: add it to local/quick, or let Terraform create it"
            )
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def _role(properties: Mapping[str, Any]) -> Role:
    _refuse_unknown(_ROLE, properties, {"RoleName", "AssumeRolePolicyDocument", "Policies"})
    return Role(
        properties["RoleName"],
        properties["AssumeRolePolicyDocument"],
        {one["PolicyName"]: one["PolicyDocument"] for one in properties.get("Policies", [])},
    )


def _function(logical_id: str, properties: Mapping[str, Any]) -> Function:
    _refuse_unknown(_FUNCTION, properties, {*_PROPERTIES, *_NOT_CONFIGURATION})
    configuration = {
        _PROPERTIES[name]: value for name, value in properties.items() if name in _PROPERTIES
    }
    if "TracingConfig" in configuration:
        configuration["TracingConfig"] = {"Mode": configuration["TracingConfig"]}
    return Function(
        package=str(properties["Handler"]).split(".")[0],
        configuration=configuration,
        mappings={
            f"{logical_id}{name}": {"FunctionName": properties["FunctionName"], **_mapping(event)}
            for name, event in properties.get("Events", {}).items()
        },
    )


def _mapping(event: Mapping[str, Any]) -> dict[str, Any]:
    kind, properties = event["Type"], dict(event["Properties"])
    if kind not in _SOURCES:
        raise TemplateError(
            f"the quick form of the local AWS does not know events of the type {kind}: add it to "
            "local/quick/declared.py"
        )
    mapping = {"EventSourceArn": properties.pop(_SOURCES[kind]), **properties}
    if "DestinationConfig" in mapping:
        # SAM uses `Type` to write a policy. Lambda does not know it.
        destination = mapping["DestinationConfig"]["OnFailure"]["Destination"]
        mapping["DestinationConfig"] = {"OnFailure": {"Destination": destination}}
    return mapping


def _refuse_unknown(kind: str, properties: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(set(properties) - known)
    if unknown:
        raise TemplateError(
            f"the quick form of the local AWS does not know the property {', '.join(unknown)} of "
            f"{kind}: add it to local/quick/declared.py"
        )


def _merged(common: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties of a function over those of Globals, as SAM merges them.

    Rule:
    https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html
    """
    merged = {**common, **own}
    for name in common.keys() & own.keys():
        if isinstance(common[name], dict) and isinstance(own[name], dict):
            merged[name] = _merged(common[name], own[name])
        elif isinstance(common[name], list) and isinstance(own[name], list):
            merged[name] = [*common[name], *own[name]]
    return merged
