"""The settings of the functions, and the parameters of template.yaml that set them."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic.fields import FieldInfo
from samcli.yamlhelper import yaml_parse

from local.state import PROJECT
from receipt_sync.settings import CompactorSettings, StreamProcessorSettings

SETTINGS: Final[Mapping[str, type[StreamProcessorSettings | CompactorSettings]]] = {
    "StreamProcessorFunction": StreamProcessorSettings,
    "CompactorFunction": CompactorSettings,
}
SET_BY_LAMBDA: Final = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "CompactorMemory"}
"""Variable that Lambda sets → the parameter of the function's property that it copies."""
COMPOSED: Final = {
    "COMPACTION_LOCK_ID": "Environment",
    "CHROMA_TOKEN": "ChromaSecretArn",
    "CHROMA_API_KEY": "ChromaSecretArn",
}
"""Variable whose value is a text that contains a parameter → that parameter."""
NO_SETTING: Final = {"AWS_ENDPOINT_URL"}
"""botocore reads it. It is never deployed."""
TEMPLATE: Final[Mapping[str, Any]] = yaml_parse((PROJECT / "template.yaml").read_text())
PARAMETERS: Final[Mapping[str, Mapping[str, Any]]] = TEMPLATE["Parameters"]


def variables(function: str) -> dict[str, Any]:
    """Return the environment variables of a function, by name, as the template declares them."""
    common = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    own = TEMPLATE["Resources"][function]["Properties"]["Environment"]["Variables"]
    return {**common, **own}


def fields(function: str) -> dict[str, FieldInfo]:
    """Return the settings of a function, by the name of their environment variable."""
    return {name.upper(): field for name, field in SETTINGS[function].model_fields.items()}


def parameter_of(function: str, variable: str) -> str:
    """Return the parameter that sets a variable. Raises KeyError if no parameter does."""
    if variable in SET_BY_LAMBDA:
        return SET_BY_LAMBDA[variable]
    node = variables(function)[variable]
    if variable in COMPOSED:
        assert "${" + COMPOSED[variable] + "}" in str(node)
        return COMPOSED[variable]
    if "Fn::If" in node:
        _, node, otherwise = node["Fn::If"]
        assert otherwise == {"Ref": "AWS::NoValue"}
    return str(node["Ref"])
