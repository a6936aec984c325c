"""DynamoDB values: all ten types, without loss, and no value in an error."""

import base64
import json
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from receipt_sync.attributes import decode, decode_item, to_json
from receipt_sync.errors import MalformedValueError

SECRET = "WHOLE MILK 4.50"

numbers = st.integers(-(10**38) + 1, 10**38 - 1) | st.decimals(
    allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=5
)
scalars = st.none() | st.booleans() | st.text() | numbers | st.binary(min_size=1)
sets = (
    st.sets(st.text(min_size=1), min_size=1)
    | st.sets(numbers, min_size=1)
    | st.sets(st.binary(min_size=1), min_size=1)
)
values = st.recursive(
    scalars | sets,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1), inner),
    max_leaves=10,
)


@given(values)
def test_what_boto3_writes_is_read_back_without_loss(value: Any) -> None:
    assert decode(TypeSerializer().serialize(value)) == value


@given(values)
def test_any_decoded_value_can_be_shown_as_json(value: Any) -> None:
    decoded = decode(TypeSerializer().serialize(value))
    assert json.loads(json.dumps(to_json(decoded))) == to_json(decoded)


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ({"S": ""}, ""),
        ({"S": "Café 😀\x00"}, "Café 😀\x00"),
        ({"N": "12"}, 12),
        ({"N": "-007"}, -7),
        ({"N": "1.50"}, Decimal("1.50")),
        ({"N": "99999999999999999999999999999999999999"}, 10**38 - 1),
        ({"N": "0.1234567890123456789012345678901234567"}, None),
        ({"N": "1E-130"}, Decimal("1E-130")),
        ({"B": b"\x00\xff"}, b"\x00\xff"),
        ({"B": base64.b64encode(b"\x00\xff").decode()}, b"\x00\xff"),
        ({"BOOL": True}, True),
        ({"BOOL": False}, False),
        ({"NULL": True}, None),
        ({"M": {"x": {"N": "0.1"}, "y": {"NULL": True}}}, {"x": Decimal("0.1"), "y": None}),
        ({"L": [{"S": "a"}, {"L": []}]}, ["a", []]),
        ({"SS": ["a", "b"]}, frozenset({"a", "b"})),
        ({"NS": ["1", "2.5"]}, frozenset({1, Decimal("2.5")})),
        ({"BS": ["AP8=", b"x"]}, frozenset({b"\x00\xff", b"x"})),
    ],
)
def test_each_of_the_ten_types_decodes(attribute: dict[str, Any], value: Any) -> None:
    if value is None and "N" in attribute:
        value = Decimal(attribute["N"])
    decoded = decode(attribute)
    assert decoded == value
    assert type(decoded) is type(value)


def test_digits_are_not_rounded_as_a_float_would() -> None:
    text = "12345678901234567890.123456789012345678"
    assert str(decode({"N": text})) == text


def test_an_item_is_decoded_attribute_by_attribute() -> None:
    assert decode_item({"PK": {"S": "a"}, "n": {"N": "1"}}) == {"PK": "a", "n": 1}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Decimal("1.50"), "1.50"),
        (b"\x00\xff", "AP8="),
        (frozenset({"b", "a"}), ["a", "b"]),
        ({"box": {"x": Decimal("0.1")}}, {"box": {"x": "0.1"}}),
        ([None, True, 10**38], [None, True, 10**38]),
    ],
)
def test_values_are_shown_so_that_people_can_read_them(value: Any, shown: Any) -> None:
    assert to_json(value) == shown


def _nested(levels: int) -> dict[str, Any]:
    attribute: dict[str, Any] = {"S": SECRET}
    for _ in range(levels):
        attribute = {"M": {SECRET: attribute}}
    return attribute


def test_the_tables_own_depth_is_decoded_and_a_bottomless_one_is_not() -> None:
    assert decode(_nested(32))
    with pytest.raises(MalformedValueError, match="nested deeper"):
        decode(_nested(100))


@pytest.mark.parametrize(
    "attribute",
    [
        None,
        SECRET,
        [SECRET],
        {},
        {"S": SECRET, "N": "1"},
        {"S": SECRET, SECRET: 1},
        {SECRET: SECRET},
        {"s": SECRET},
        {"S": 5},
        {"S": [SECRET]},
        {"N": SECRET},
        {"N": 5},
        {"N": ""},
        {"N": "NaN"},
        {"N": "Infinity"},
        {"N": "1_000"},
        {"N": "٣"},
        {"N": "1" * 5000},
        {"N": "1e99999"},
        {"B": SECRET},
        {"B": "é"},
        {"B": 5},
        {"BOOL": "true"},
        {"BOOL": SECRET},
        {"NULL": SECRET},
        {"M": [SECRET]},
        {"M": {"x": SECRET}},
        {"L": {"x": SECRET}},
        {"L": [{SECRET: SECRET}]},
        {"SS": SECRET},
        {"SS": [SECRET, 1]},
        {"NS": [SECRET]},
        {"BS": [SECRET]},
        {"SS": {SECRET: 1}},
    ],
)
def test_what_is_none_of_the_ten_types_is_refused_without_quoting_it(attribute: Any) -> None:
    with pytest.raises(MalformedValueError) as raised:
        decode(attribute)
    assert SECRET not in str(raised.value)


def test_a_refusal_says_which_types_an_attribute_has() -> None:
    with pytest.raises(MalformedValueError, match="a map of S, N and 1 unknown"):
        decode({"N": "1", "S": "a", "Z": "b"})


@pytest.mark.parametrize("text", ["1" * 41, "\u0661", "\u00b2", "1_0", " 1", ""])
def test_what_only_looks_like_a_whole_number_is_refused(text: str) -> None:
    with pytest.raises(MalformedValueError, match="at most 38 digits"):
        decode({"N": text})
