"""Makes odd inputs from sound ones: changed bytes, spliced texts, and changed JSON values."""

import json
from random import Random
from typing import Any, Final

from tests.reliability.fuzz.seeds import SECRET

_ODD: Final[list[Any]] = [
    None, True, False, 0, -1, 1, 10**5, 2**63, 10**40, -(10**400), 0.5, 1e308, float("nan"),
    float("inf"), "", "#", "\x00", "\ud800", "\udfff\ud800", "\ufffe", "\uffff", "\U0010ffff",
    "e\u0301", "..", "../../etc/passwd", "/etc/passwd", "a/../../b", "\\", "\n", SECRET,
    SECRET * 50, "9" * 39, "1e999", "-0", "NaN", "Infinity", "\u0661", "0" * 5, "\u2028",
    [], {}, [[]], {"": ""}, {"S": SECRET}, {"N": "1"}, {"M": {}},
    {"S": "a", "N": "1"}, "M" * 70_000,
]  # fmt: skip
_ODD_TEXTS: Final = [odd for odd in _ODD if isinstance(odd, str)]
_CHUNKS: Final = (
    b"\x00", b"\xff", b"#", b"IMAGE#", b"RECEIPT#", b"\xed\xa0\x80", b"\xf4\x8f\xbf\xbf",
    b"..", b"/",
    b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"9" * 40, b"{", b"}", b'"', b"PK\x03\x04",
    b"\x28\xb5\x2f\xfd", b"'shape': (999999999999, 4)", b"\x80\x04", b"|O",
)  # fmt: skip


def mutate(data: bytes, kind: str, draw: Random) -> bytes:
    """Return a mutated input, usually with one change and sometimes with many."""
    if kind == "json" and draw.random() < 0.8:
        return _mutated_json(data, draw)
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 4, 16))):
        draw.choice(_BYTE_CHANGES)(changed, draw)
    return bytes(changed)


def _mutated_json(data: bytes, draw: Random) -> bytes:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return data[: draw.randint(0, len(data))]
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        content = _changed(content, draw)
    # Lone surrogates stay escapes, as a sender of JSON would write them.
    encoded = json.dumps(content)
    if draw.random() < 0.02:
        encoded = encoded.replace(f'"{SECRET}"', _nested(draw), 1)
    return encoded.encode()


def _changed(content: Any, draw: Random) -> Any:
    """Replace, remove or repeat a value inside the JSON."""
    if draw.random() < 0.1:
        return draw.choice(_ODD)
    if isinstance(content, dict) and content:
        return _changed_map(content, draw)
    if isinstance(content, list) and content:
        return _changed_list(content, draw)
    if isinstance(content, str) and draw.random() < 0.5:
        at = draw.randint(0, len(content))
        return content[:at] + draw.choice(_ODD_TEXTS) + content[at + draw.randint(0, 3) :]
    return draw.choice(_ODD)


def _changed_map(content: dict[str, Any], draw: Random) -> dict[str, Any]:
    name = draw.choice(sorted(content))
    what = draw.random()
    if what < 0.1:
        return {k: v for k, v in content.items() if k != name}
    if what < 0.2:
        return {**content, draw.choice(_ODD_TEXTS): content[name]}
    return {**content, name: _changed(content[name], draw)}


def _changed_list(content: list[Any], draw: Random) -> list[Any]:
    at = draw.randrange(len(content))
    before, one, after = content[:at], content[at], content[at + 1 :]
    if draw.random() < 0.2:
        return [*before, *([one] * draw.choice((0, 2, 50))), *after]
    return [*before, _changed(one, draw), *after]


def _nested(draw: Random) -> str:
    """Return deeply nested values."""
    depth = draw.choice((10, 40, 300, 2_000, 20_000))
    before, after = draw.choice((('{"M":{"a":', "}}"), ('{"L":[', "]}"), ("[", "]")))
    return before * depth + '{"S":"a"}' + after * depth


def _turn(data: bytearray, draw: Random) -> None:
    if data:
        data[draw.randrange(len(data))] = draw.randrange(256)


def _turn_bit(data: bytearray, draw: Random) -> None:
    if data:
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def _cut(data: bytearray, draw: Random) -> None:
    start = draw.randint(0, len(data))
    del data[start : start + draw.choice((1, 1, 4, 64, len(data)))]


def _insert(data: bytearray, draw: Random) -> None:
    at = draw.randint(0, len(data))
    data[at:at] = draw.choice(_CHUNKS)


def _double(data: bytearray, draw: Random) -> None:
    start = draw.randint(0, len(data))
    piece = data[start : start + draw.randint(1, 64)]
    data[start:start] = piece * draw.choice((1, 1, 20))


_BYTE_CHANGES: Final = (_turn, _turn_bit, _cut, _insert, _double)
