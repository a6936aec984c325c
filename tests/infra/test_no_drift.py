"""The quick provisioning, by which the demo and the tests run, is the deployed system.

Attribute by attribute, what `local/` asks AWS for is what template.yaml declares.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import pytest

from local.quick.parameters import parameters_of
from local.running import running
from local.stack import Stack
from tests.infra.recording import Calls, recorded_calls
from tests.infra.serverless.settings_parameters import fields
from tests.infra.serverless.templates import overrides, resources

FUNCTIONS: Final = {"StreamProcessorFunction": "stream_processor", "CompactorFunction": "compactor"}
MAPPINGS: Final = {
    "StreamProcessorFunctionStream": "stream_processor",
    "CompactorFunctionQueue": "compactor",
}
ROLES: Final = {"StreamProcessorRole": "stream_processor", "CompactorRole": "compactor"}
NOT_COMPARED: Final = {
    "Code",  # the one carries its dependencies, the other borrows MiniStack's
    "Description",  # for people
    "Tags",  # SAM's own
}


class Both(NamedTuple):
    """The calls of the quick provisioning, and the resources of the template."""

    stack: Stack
    calls: Calls
    template: Mapping[str, Any]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("quick") / "state"
    with recorded_calls() as calls, running(folder) as stack:
        parameters = {**overrides("local"), "WorkingCopyRoot": str(folder / "working-copies")}
        prefix = stack.names.parameters
        handed = {f"{prefix}/{name}": value for name, value in parameters_of(stack).items()}
        yield Both(stack, calls, resources(parameters, handed))


def plain(value: Any) -> Any:
    """Numbers and flags as CloudFormation's parameters carry them, JSON texts as values."""
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value.startswith("{"):
        return json.loads(value)
    return str(value)


def declared(both: Both, logical_id: str) -> dict[str, Any]:
    properties = both.template[logical_id]["Properties"]
    return {name: plain(value) for name, value in properties.items() if name not in NOT_COMPARED}


def asked(both: Both, operation: str, attribute: str, value: str) -> dict[str, Any]:
    """Parameters of the one call of an operation whose attribute has the value."""
    (call,) = [call for call in both.calls[operation] if call[attribute] == value]
    return {name: plain(value) for name, value in call.items() if name not in NOT_COMPARED}


def test_every_resource_of_the_template_is_compared(both: Both):
    assert set(both.template) == {*FUNCTIONS, *MAPPINGS, *ROLES}


def defaults(function: str) -> dict[str, Any]:
    """Return what a function uses for each variable that is not set."""
    return {
        name: plain(field.default)
        for name, field in fields(function).items()
        if not field.is_required()
    }


@pytest.mark.parametrize("logical_id", FUNCTIONS)
def test_the_functions_are_the_same(both: Both, logical_id: str):
    name = getattr(both.stack.names, FUNCTIONS[logical_id])
    quick = asked(both, "CreateFunction", "FunctionName", name)
    quick["KmsKeyArn"] = quick.pop("KMSKeyArn")  # CloudFormation spells it so
    template = declared(both, logical_id)
    for configuration in (quick, template):
        environment = configuration["Environment"]
        environment["Variables"] = {**defaults(logical_id), **environment["Variables"]}
    assert template == quick


@pytest.mark.parametrize("logical_id", MAPPINGS)
def test_the_event_source_mappings_are_the_same(both: Both, logical_id: str):
    name = getattr(both.stack.names, MAPPINGS[logical_id])
    quick = asked(both, "CreateEventSourceMapping", "FunctionName", name)
    assert declared(both, logical_id) == {"Enabled": "true", **quick}  # Lambda's default


@pytest.mark.parametrize("logical_id", ROLES)
def test_the_roles_allow_the_same_to_the_single_statement(both: Both, logical_id: str):
    name = getattr(both.stack.names, ROLES[logical_id])
    created = asked(both, "CreateRole", "RoleName", name)
    allowed = asked(both, "PutRolePolicy", "RoleName", name)
    del allowed["RoleName"]
    assert declared(both, logical_id) == {**created, "Policies": [allowed]}


def test_the_template_reads_every_parameter_that_is_handed_over(both: Both):
    prefix = f"{both.stack.names.parameters}/"
    read = {
        value.removeprefix(prefix)
        for value in overrides("local").values()
        if value.startswith(prefix)
    }
    assert read == set(parameters_of(both.stack))
