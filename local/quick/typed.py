"""Gives values of a template the types that an API expects.

CloudFormation passes values of parameters as text. It converts a text for a number or a flag.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from botocore.model import ListShape, MapShape, Shape, StructureShape


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _flag(value: Any) -> bool:
    return _text(value) == "true"


_CONVERT: Final[Mapping[str, Callable[[Any], Any]]] = {
    "boolean": _flag,
    "double": float,
    "float": float,
    "integer": int,
    "long": int,
    "string": _text,
}
"""Type of a value in the model of an API → its conversion."""


def typed(client: Any, operation: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of an operation with the types of its input.

    `operation` is the name in AWS's reference, such as CreateFunction. A parameter that the
    operation does not have stays as it is, and the client then refuses it.
    """
    model = client.meta.service_model.operation_model(operation)
    return dict(_typed(values, model.input_shape))


def _typed(value: Any, shape: Shape | None) -> Any:
    match shape, value:
        case StructureShape(members=members), Mapping():
            return {name: _typed(one, members.get(name)) for name, one in value.items()}
        case MapShape(value=values), Mapping():
            return {name: _typed(one, values) for name, one in value.items()}
        case ListShape(member=member), list():
            return [_typed(one, member) for one in value]
        case Shape(type_name=name), _ if name in _CONVERT:
            return _CONVERT[name](value)
    return value
