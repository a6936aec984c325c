"""Writes the results into docs/reliability.md, between markers. Each part has a block.

A block begins with the name of the part and the digest of the tested code. If the digest is not
that of the present code, a sentence replaces the block.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from local.state import PROJECT
from tests.reliability.report.digest import LENGTH
from tests.reliability.report.parts.part import LONG_RUNS, PLANTED_BUGS, RESULTS, Part
from tests.reliability.report.results import Result, Row

DOCUMENT: Final = PROJECT / "docs" / "reliability.md"
NOT_RUN: Final = "not run on the present code"
PLACES: Final = (RESULTS, PLANTED_BUGS, LONG_RUNS)
_BLOCK: Final = re.compile(r"^\*\*(\w+)\*\*: .*?(?=^\*\*\w+\*\*: |\Z)", re.MULTILINE | re.DOTALL)
_CODE: Final = re.compile(rf"^\*\*\w+\*\*: code `([0-9a-f]{{{LENGTH}}})`")


def write(
    results: Mapping[str, Result], parts: Mapping[str, Part], path: Path = DOCUMENT
) -> list[str]:
    """Write a block for each part, and return the names of the parts without figures.

    The figures come from the results, or from the blocks of the present code in the document.
    Raises ValueError if the document lacks a pair of markers.
    """
    text = path.read_text()
    before = {place: blocks_of(text, place) for place in PLACES}
    missing = []
    for place in PLACES:
        blocks = []
        for part in (part for part in parts.values() if part.place == place):
            block = _block(part, results.get(part.name), before[place].get(part.name))
            missing += [part.name] if block is None else []
            blocks.append(block or not_run(part))
        text = replaced(text, place, "\n\n".join(blocks))
    path.write_text(text)
    return missing


def stale(parts: Mapping[str, Part], path: Path = DOCUMENT) -> list[str]:
    """Return the names of the parts without figures of the present code in the document."""
    text = path.read_text()
    blocks = {name: block for place in PLACES for name, block in blocks_of(text, place).items()}
    return [part.name for part in parts.values() if code_of(blocks.get(part.name)) != part.code]


def blocks_of(text: str, marker: str) -> dict[str, str]:
    """Return the blocks between a pair of markers, by the name of the part."""
    found = re.search(rf"<!-- {marker} -->\n(.*?)<!-- end of {marker} -->", text, re.DOTALL)
    content = found[1] if found else ""
    return {block[1]: block[0].strip() for block in _BLOCK.finditer(content)}


def code_of(block: str | None) -> str | None:
    """Return the digest of the tested code, or None if the block has no figures."""
    found = _CODE.match(block or "")
    return found[1] if found else None


def replaced(text: str, marker: str, content: str) -> str:
    """Return the text with other content between a pair of markers.

    Raises ValueError if the text has not exactly one such pair.
    """
    pattern = rf"(<!-- {marker} -->\n).*?(<!-- end of {marker} -->)"
    new, count = re.subn(pattern, lambda m: f"{m[1]}{content}\n{m[2]}", text, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"the document has not one pair of markers `{marker}`")
    return new


def not_run(part: Part) -> str:
    """Return the block of a part without figures."""
    return f"**{part.name}**: {NOT_RUN}; `make prove PARTS={part.name}` runs it."


def block_of(result: Result, place: str = RESULTS) -> str:
    """Return the block of a result: the digest of the code, the date, and the table."""
    form = ", in the quick form" if result.quick else ""
    head = f"**{result.part}**: code `{result.code}`, {result.date}{form}, {result.seconds:,.0f} s."
    table = _planted_table(result.rows) if place == PLANTED_BUGS else _table(result.rows)
    return f"{head}\n\n{table}"


def _block(part: Part, result: Result | None, before: str | None) -> str | None:
    if result is not None and result.code == part.code:
        return block_of(result, part.place)
    return before if code_of(before) == part.code else None


def _table(rows: Iterable[Row]) -> str:
    lines = [
        "| what | tries | faults injected | lost | broken | command |",
        "|---|--:|--:|--:|--:|---|",
    ]
    return "\n".join([*lines, *map(_line, rows)])


def _planted_table(rows: Iterable[Row]) -> str:
    lines = ["| planted bug | found by history |", "|---|--:|"]
    lines += [f"| {row.what} | {'not found' if row.lost else row.tries} |" for row in rows]
    return "\n".join(lines)


def _line(row: Row) -> str:
    what = f"{row.what} ({row.note})" if row.note else row.what
    figures = (row.tries, row.faults, row.lost, row.broken)
    return f"| {what} | {' | '.join(f'{figure:,}' for figure in figures)} | `{row.command}` |"
