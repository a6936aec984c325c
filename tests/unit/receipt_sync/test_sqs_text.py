"""Text that SQS takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipt_sync.sqs_text import ATTRIBUTE_LIMIT, attribute, legal


def allowed(character: str) -> bool:
    """The rule as SendMessage's documentation words it."""
    code = ord(character)
    return (
        code in {0x9, 0xA, 0xD}
        or 0x20 <= code <= 0xD7FF
        or 0xE000 <= code <= 0xFFFD
        or 0x10000 <= code <= 0x10FFFF
    )


@given(st.text(st.characters()))
def test_what_sqs_refuses_is_replaced_and_nothing_else(text: str) -> None:
    assert legal(text) == "".join(c if allowed(c) else "\ufffd" for c in text)


@pytest.mark.parametrize(
    "character", ["\x00", "\x0b", "\x1f", "\ufffe", "\uffff", chr(0xD800), chr(0xDFFF)]
)
def test_the_odd_ones_are_replaced(character: str) -> None:
    assert legal(f"a{character}b") == "a\ufffdb"


@pytest.mark.parametrize("character", ["\t", "\n", "\r", " ", "\x7f", "é", "\ufffd", "\U0001fffe"])
def test_the_odd_but_legal_ones_stay(character: str) -> None:
    assert legal(f"a{character}b") == f"a{character}b"


def test_an_attribute_is_never_empty_and_never_long() -> None:
    assert attribute("")["StringValue"] == "-"
    assert attribute("why\x00")["StringValue"] == "why\ufffd"
    assert attribute("é" * 10_000)["StringValue"] == "é" * ATTRIBUTE_LIMIT
    assert attribute("a")["DataType"] == "String"
