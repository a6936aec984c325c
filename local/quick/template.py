"""Reads template.yaml and resolves its intrinsic functions, as CloudFormation does.

Reference:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from local.errors import LocalAWSError
from local.quick.names import REGION
from local.state import PROJECT

TEMPLATE: Final = PROJECT / "template.yaml"
_NO_VALUE: Final = "AWS::NoValue"
_WITHOUT_PREFIX: Final = ("Ref", "Condition")
"""Tags whose long form has no `Fn::`."""


class TemplateError(LocalAWSError):
    """template.yaml holds something that the quick form of the local AWS cannot read."""


def read_template(path: Path = TEMPLATE) -> dict[str, Any]:
    """Return a template as plain values. A tag such as `!Ref` becomes its long form.

    Raises TemplateError if the file is not YAML or does not hold a mapping.
    """
    try:
        content = yaml.load(path.read_text(), _Loader)
    except yaml.YAMLError as error:
        raise TemplateError(f"{path} is not a template: {error}") from error
    if not isinstance(content, dict):
        raise TemplateError(f"{path} is not a template: it must hold a mapping")
    return content


def parameter_values(
    template: Mapping[str, Any], given: Mapping[str, str], handed_over: Mapping[str, str]
) -> dict[str, Any]:
    """Return the value of each parameter, by name: the given one, or else its default.

    `handed_over` holds the SSM parameters by the last part of their path, such as `table-name`. A
    parameter that reads an SSM parameter gets its value from there. Raises TemplateError.
    """
    declared = template["Parameters"]
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise TemplateError(
            f"template.yaml has no parameter {', '.join(unknown)}: correct the name"
        )
    return {
        name: given[name] if name in given else _default(name, definition, handed_over)
        for name, definition in declared.items()
    }


def _default(name: str, definition: Mapping[str, Any], handed_over: Mapping[str, str]) -> Any:
    if "Default" not in definition:
        raise TemplateError(f"parameter {name} of template.yaml has no value: give it a default")
    default = definition["Default"]
    if not definition["Type"].startswith("AWS::SSM::Parameter::Value"):
        return default
    path = str(default)
    try:
        return handed_over[path.rsplit("/", 1)[-1]]
    except KeyError as error:
        raise TemplateError(
            f"parameter {name} of template.yaml reads {path}, which local/quick/parameters.py does "
            "not write: add it there"
        ) from error


class Resolver:
    """Replaces the intrinsic functions in parts of one template by their values.

    `known` holds what the template itself does not say: values of parameters, references to
    resources by logical id, and attributes of resources as `LogicalId.Attribute`.
    """

    def __init__(
        self, template: Mapping[str, Any], known: Mapping[str, Any], account: str = "000000000000"
    ) -> None:
        self._conditions: Mapping[str, Any] = template.get("Conditions", {})
        self._known: dict[str, Any] = {
            "AWS::AccountId": account,
            "AWS::Region": REGION,
            "AWS::Partition": "aws",
            _NO_VALUE: None,
            **known,
        }

    def learn(self, known: Mapping[str, Any]) -> None:
        """Add references to resources that were created since, or their attributes."""
        self._known.update(known)

    def of(self, node: Any) -> Any:
        """Return a part of the template without intrinsic functions.

        An entry whose value is AWS::NoValue is left out. Raises TemplateError for an intrinsic
        function that this class does not know, and for a reference to something unknown.
        """
        if isinstance(node, list):
            return [value for value in map(self.of, node) if value is not None]
        if not isinstance(node, dict):
            return node
        function = next(iter(node), "")
        if len(node) == 1 and (function == "Ref" or function.startswith("Fn::")):
            return self._call(function, node[function])
        resolved = {name: self.of(value) for name, value in node.items()}
        return {name: value for name, value in resolved.items() if value is not None}

    def _call(self, function: str, argument: Any) -> Any:
        match function, argument:
            case "Ref", str(name):
                return self._value(name)
            case "Fn::GetAtt", [str(resource), str(attribute)]:
                return self._value(f"{resource}.{attribute}")
            case "Fn::Sub", str(text):
                return re.sub(r"\$\{([^}]+)\}", lambda found: str(self._value(found[1])), text)
            case "Fn::If", [str(condition), yes, no]:
                return self.of(yes if self._holds(condition) else no)
        raise TemplateError(
            f"the quick form of the local AWS does not know {function} with {argument!r}: add it "
            "to local/quick/template.py, or write template.yaml without it"
        )

    def _value(self, name: str) -> Any:
        if name not in self._known:
            raise TemplateError(
                f"template.yaml refers to {name}, which is no parameter and no resource that the "
                "quick form of the local AWS creates: correct the name, or create the resource in "
                "local/quick"
            )
        return self._known[name]

    def _holds(self, condition: str) -> bool:
        if condition not in self._conditions:
            raise TemplateError(f"template.yaml has no condition {condition}: correct the name")
        return self._is_true(self._conditions[condition])

    def _is_true(self, node: Any) -> bool:
        match node:
            case {"Condition": str(name)}:
                return self._holds(name)
            case {"Fn::Not": [one]}:
                return not self._is_true(one)
            case {"Fn::And": list(several)}:
                return all(map(self._is_true, several))
            case {"Fn::Or": list(several)}:
                return any(map(self._is_true, several))
            case {"Fn::Equals": [one, other]}:
                return str(self.of(one)) == str(self.of(other))
        raise TemplateError(
            f"the quick form of the local AWS does not know the condition {node!r}: add it to "
            "local/quick/template.py, or write template.yaml without it"
        )


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML carries no types
    """SafeLoader, and the tags of CloudFormation."""


def _long_form(loader: Any, tag: str, node: Any) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in _WITHOUT_PREFIX else f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _long_form)
