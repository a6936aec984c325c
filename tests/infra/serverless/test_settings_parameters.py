"""Every setting of the functions can be set by a parameter of template.yaml."""

from collections.abc import Mapping
from typing import Any, Final, Literal, get_args, get_origin

import hcl2
import pytest
from annotated_types import Ge, Gt, Le
from pydantic.fields import FieldInfo

from local.state import PROJECT
from tests.infra.serverless.settings_parameters import (
    COMPOSED,
    NO_SETTING,
    PARAMETERS,
    SET_BY_LAMBDA,
    SETTINGS,
    fields,
    parameter_of,
    variables,
)

REQUIRED: Final = {
    "ENVIRONMENT": "test",
    "DYNAMODB_TABLE": "table",
    "COMPACTION_QUEUE_URL": "https://sqs.example/queue",
    "COMPACTION_DLQ_URL": "https://sqs.example/dead",
    "STREAM_DLQ_URL": "https://sqs.example/dead",
    "SNAPSHOT_BUCKET": "bucket",
}
OTHER_DEFAULTS: Final = {
    "CHROMA_SSL": "true",  # A deployed function reaches its server over the internet.
}
NARROWER: Final = {
    "LOG_LEVEL": {"AllowedValues": ["DEBUG", "INFO"]},  # A higher level drops the metrics.
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": {
        "MinValue": 512,
        "MaxValue": 10_240,
    },  # The largest size of Lambda.
}
TERRAFORM: Final = {"LEASE_SECONDS": "lease_seconds", "HEARTBEAT_SECONDS": "heartbeat_seconds"}
"""Settings that Terraform passes on, because it validates their sums."""

EACH: Final = [
    (function, variable)
    for function in SETTINGS
    for variable in fields(function)
    if variable not in COMPOSED
]
OWN: Final = [
    (function, variable)
    for function, variable in EACH
    if variable in SET_BY_LAMBDA or variable in variables(function)
    if not PARAMETERS[parameter_of(function, variable)]["Type"].startswith("AWS::SSM")
]
"""The settings that a parameter of the deployment sets, and not a parameter of Terraform."""
OPTIONAL: Final = [
    (one, variable) for one, variable in OWN if not fields(one)[variable].is_required()
]


@pytest.mark.parametrize("function", SETTINGS)
def test_the_variables_of_a_function_are_its_settings(function: str) -> None:
    settings = set(fields(function)) - set(SET_BY_LAMBDA)
    assert set(variables(function)) - NO_SETTING == settings


@pytest.mark.parametrize(("function", "variable"), EACH)
def test_every_setting_is_a_parameter_with_a_description(function: str, variable: str) -> None:
    parameter = PARAMETERS[parameter_of(function, variable)]
    if not parameter["Type"].startswith("AWS::SSM"):
        assert parameter["Description"]


@pytest.mark.parametrize(("function", "variable"), OPTIONAL)
def test_a_parameters_default_is_the_settings_default(function: str, variable: str) -> None:
    default = str(PARAMETERS[parameter_of(function, variable)]["Default"])
    expected = OTHER_DEFAULTS.get(variable)
    given = value(function, variable, {variable: default})
    assert given == value(function, variable, {variable: expected} if expected else {})


@pytest.mark.parametrize("variable", TERRAFORM)
def test_terraforms_default_is_the_settings_default(variable: str) -> None:
    declared = {
        name.strip('"'): block
        for path in (PROJECT / "terraform").glob("*.tf")
        for entry in hcl2.loads(path.read_text()).get("variable", [])
        for name, block in entry.items()
    }
    default = str(declared[TERRAFORM[variable]]["default"])
    found = {name: str(fields("CompactorFunction")[name].default) for name in TERRAFORM}
    assert default == found[variable]


@pytest.mark.parametrize(("function", "variable"), OWN)
def test_a_parameters_range_is_the_settings_range(function: str, variable: str) -> None:
    field, parameter = fields(function)[variable], PARAMETERS[parameter_of(function, variable)]
    found = {
        name: parameter[name]
        for name in ("MinValue", "MaxValue", "AllowedValues")
        if name in parameter
    }
    if variable in NARROWER:
        assert found == NARROWER[variable]
        values = [found[name] for name in found if name != "AllowedValues"]
        accepted = [*values, *found.get("AllowedValues", [])]
    else:
        assert found == allowed(field, parameter)
        accepted = list(found.values()) if "AllowedValues" not in found else found["AllowedValues"]
    for one in accepted:
        assert value(function, variable, {variable: str(one)}) is not None


def allowed(field: FieldInfo, parameter: Mapping[str, Any]) -> dict[str, Any]:
    """Return the range that the template must declare for a setting.

    CloudFormation has no exclusive bound. For `gt` the template's least value must be above the
    bound, and a hundredth of the default at most.
    """
    if field.annotation is bool:
        return {"AllowedValues": ["true", "false"]}
    if get_origin(field.annotation) is Literal:
        return {"AllowedValues": list(get_args(field.annotation))}
    expected: dict[str, Any] = {}
    for bound in field.metadata:
        if isinstance(bound, Ge):
            expected["MinValue"] = bound.ge
        elif isinstance(bound, Gt):
            least = parameter["MinValue"]
            assert bound.gt < least <= field.default / 100
            expected["MinValue"] = least
        elif isinstance(bound, Le):
            expected["MaxValue"] = bound.le
    return expected


@pytest.mark.parametrize(("function", "variable"), OWN)
def test_a_number_is_a_number_for_cloudformation(function: str, variable: str) -> None:
    number = fields(function)[variable].annotation in (int, float)
    parameter = PARAMETERS[parameter_of(function, variable)]
    assert parameter["Type"] == ("Number" if number else "String")


def value(function: str, variable: str, given: dict[str, str]) -> Any:
    """Return what a function reads for a variable."""
    settings = SETTINGS[function].read({**REQUIRED, **SERVER.get(variable, {}), **given})
    return getattr(settings, variable.lower())


SERVER: Final = {
    "CHROMA_TARGET": {
        "CHROMA_HOST": "chroma.example",
        "CHROMA_TENANT": "tenant",
        "CHROMA_DATABASE": "database",
        "CHROMA_API_KEY": "key",
    }
}
"""Variables without which a value of another variable is refused."""
