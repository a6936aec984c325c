"""Conversion of DynamoDB attribute values of all ten types to Python, without loss.

Rule: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html

Binary values may be bytes (boto3) or base64 text (stream records in a Lambda event).
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from receipt_sync.errors import MalformedValueError

_DIGITS: Final = 40
_NUMBER: Final = re.compile(
    rf"[+-]?(?:[0-9]{{1,{_DIGITS}}}(?:\.[0-9]{{0,130}})?|\.[0-9]{{1,130}})(?:[eE][+-]?[0-9]{{1,3}})?"
)
_PLAIN: Final = (str, int, float, type(None))
_MAP: Final = (dict, Mapping)
"""The types of a map. A dict is also a Mapping, but a test for dict first is four times as fast."""
# DynamoDB's limit is 32 levels. A few more are allowed here, so that a different way of counting
# does not refuse a legal item.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
_MAX_DEPTH = 40


def decode(attribute: Mapping[str, Any]) -> Any:
    """Return the Python value of one attribute such as {"N": "1.50"}.

    S becomes str. N becomes int if it is written as one, and otherwise Decimal. B becomes bytes,
    BOOL bool, NULL None, M dict and L list. SS, NS and BS become frozenset. Raises
    MalformedValueError for anything else.
    """
    return _decode(attribute, 1)


def decode_item(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return all attributes of an item as Python values."""
    return {name: _decode(attribute, 1) for name, attribute in item.items()}


def to_json(value: Any) -> Any:
    """Return a decoded value in a form that JSON can hold, for people to read.

    A Decimal becomes text, bytes become base64 text, and a set becomes a sorted list.
    """
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, dict):
        return {name: to_json(member) for name, member in value.items()}
    members = [to_json(member) for member in value]
    return sorted(members, key=str) if isinstance(value, frozenset) else members


def _decode(attribute: Any, depth: int) -> Any:
    if not isinstance(attribute, _MAP) or len(attribute) != 1:
        raise MalformedValueError(
            f"a DynamoDB attribute is a map of one type to one value, not {_outline(attribute)}"
        )
    if depth > _MAX_DEPTH:
        raise MalformedValueError(f"an attribute is nested deeper than {_MAX_DEPTH} levels")
    ((kind, value),) = attribute.items()
    if kind == "S" and isinstance(value, str):
        return value  # most attributes
    decoder = _SCALARS.get(kind)
    if decoder is not None:
        return decoder(value)
    if kind == "M" and isinstance(value, _MAP):
        return {name: _decode(member, depth + 1) for name, member in value.items()}
    if kind == "L" and isinstance(value, list):
        return [_decode(member, depth + 1) for member in value]
    raise MalformedValueError(f"{_outline(attribute)} holds no value of one of DynamoDB's types")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise MalformedValueError(f"S holds text, not {type(value).__name__}")
    return value


def _number(value: Any) -> int | Decimal:
    if isinstance(value, str) and len(value) <= _DIGITS and value.isascii() and value.isdigit():
        return int(value)  # Most numbers of an item end here, before the slower pattern.
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise MalformedValueError("N holds a number written as text of at most 38 digits")
    if value.lstrip("+-").isdigit():
        return int(value)
    return Decimal(value)


def _binary(value: Any) -> bytes:
    if isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise MalformedValueError("B holds base64 text") from error
    if not isinstance(value, bytes | bytearray):
        raise MalformedValueError(f"B holds bytes, not {type(value).__name__}")
    return bytes(value)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise MalformedValueError(f"BOOL holds true or false, not {type(value).__name__}")
    return value


def _null(value: Any) -> None:
    if not isinstance(value, bool):
        raise MalformedValueError(f"NULL holds true, not {type(value).__name__}")


def _set_of(member: Callable[[Any], Any]) -> Callable[[Any], frozenset[Any]]:
    def decode_set(value: Any) -> frozenset[Any]:
        if not isinstance(value, list | set | frozenset):
            raise MalformedValueError(f"a set holds a list, not {type(value).__name__}")
        return frozenset(member(element) for element in value)

    return decode_set


_SCALARS: Final[dict[str, Callable[[Any], Any]]] = {
    "S": _text,
    "N": _number,
    "B": _binary,
    "BOOL": _boolean,
    "NULL": _null,
    "SS": _set_of(_text),
    "NS": _set_of(_number),
    "BS": _set_of(_binary),
}


def _outline(attribute: Any) -> str:
    """Return the type names of an attribute without its value, which may be receipt text (I8)."""
    if not isinstance(attribute, Mapping):
        return f"a {type(attribute).__name__}"
    types = [kind for kind in ("M", "L", *_SCALARS) if kind in attribute]
    strange = len(attribute) - len(types)
    return f"a map of {', '.join(types) or 'no type'}" + (f" and {strange} unknown" * (strange > 0))
