"""The quick provisioning deploys template.yaml as SAM and CloudFormation do.

`local/quick` reads the template itself. SAM's own translation of the template is compared with the
recorded calls of `local/quick`, attribute by attribute. The demo and the tests run on the result.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import pytest

from local.quick.parameters import parameters_of
from local.running import running
from local.stack import Stack
from tests.infra.recording import Calls, recorded_calls
from tests.infra.serverless.templates import overrides, resources

FUNCTIONS: Final = {"StreamProcessorFunction": "stream_processor", "CompactorFunction": "compactor"}
MAPPINGS: Final = {
    "StreamProcessorFunctionStream": "stream_processor",
    "CompactorFunctionQueue": "compactor",
}
ROLES: Final = {"StreamProcessorRole": "stream_processor", "CompactorRole": "compactor"}
NOT_COMPARED: Final = {
    "Code",  # SAM packs the dependencies. The quick form uses those of MiniStack.
    "Tags",  # SAM adds its own.
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
    """Return numbers and flags as texts, and JSON texts as values."""
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
    """Return the parameters of the one call of an operation whose attribute has the value."""
    (call,) = [call for call in both.calls[operation] if call[attribute] == value]
    return {name: plain(value) for name, value in call.items() if name not in NOT_COMPARED}


def test_every_resource_of_the_template_is_compared(both: Both) -> None:
    assert set(both.template) == {*FUNCTIONS, *MAPPINGS, *ROLES}


@pytest.mark.parametrize("logical_id", FUNCTIONS)
def test_the_functions_are_the_same(both: Both, logical_id: str) -> None:
    name = getattr(both.stack.names, FUNCTIONS[logical_id])
    quick = asked(both, "CreateFunction", "FunctionName", name)
    quick["KmsKeyArn"] = quick.pop("KMSKeyArn")  # CloudFormation's name of the parameter
    assert declared(both, logical_id) == quick


@pytest.mark.parametrize("logical_id", MAPPINGS)
def test_the_event_source_mappings_are_the_same(both: Both, logical_id: str) -> None:
    name = getattr(both.stack.names, MAPPINGS[logical_id])
    quick = asked(both, "CreateEventSourceMapping", "FunctionName", name)
    assert declared(both, logical_id) == quick


@pytest.mark.parametrize("logical_id", ROLES)
def test_the_roles_allow_the_same_to_the_single_statement(both: Both, logical_id: str) -> None:
    name = getattr(both.stack.names, ROLES[logical_id])
    created = asked(both, "CreateRole", "RoleName", name)
    allowed = asked(both, "PutRolePolicy", "RoleName", name)
    del allowed["RoleName"]
    assert declared(both, logical_id) == {**created, "Policies": [allowed]}


def test_the_template_reads_every_parameter_that_is_handed_over(both: Both) -> None:
    prefix = f"{both.stack.names.parameters}/"
    read = {
        value.removeprefix(prefix)
        for value in overrides("local").values()
        if value.startswith(prefix)
    }
    assert read == set(parameters_of(both.stack))
