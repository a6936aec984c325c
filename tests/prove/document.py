"""Writes what was found into docs/reliability.md, between markers."""

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Final

from local.state import PROJECT
from tests.prove.results import Result, Row

DOCUMENT: Final = PROJECT / "docs" / "reliability.md"
RESULTS, PLANTED_BUGS, LONG_RUNS = "results", "planted bugs", "long runs"
_PLANTED: Final = "planted"


def write(
    results: Mapping[str, Result], path: Path = DOCUMENT, *, long: Collection[str] = ()
) -> None:
    """Put the results in, those of `long` parts in a table of their own.

    What no result is about keeps what it says.
    """
    text = path.read_text()
    short = [results[part] for part in results if part != _PLANTED and part not in long]
    longer = [results[part] for part in results if part in long]
    for marker, some in ((RESULTS, short), (LONG_RUNS, longer)):
        if some:
            text = replaced(text, marker, table_of(some))
    if _PLANTED in results:
        text = replaced(text, PLANTED_BUGS, planted_table(results[_PLANTED]))
    path.write_text(text)


def replaced(text: str, marker: str, content: str) -> str:
    """The text with other content between a pair of markers. Raises ValueError if they are gone."""
    pattern = rf"(<!-- {marker} -->\n).*?(<!-- end of {marker} -->)"
    new, count = re.subn(pattern, lambda m: f"{m[1]}{content}\n{m[2]}", text, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"the document has not one pair of markers `{marker}`")
    return new


def table_of(results: Iterable[Result]) -> str:
    lines = [
        "| what | tries | faults injected | lost | command | when |",
        "|---|--:|--:|--:|---|---|",
    ]
    lines += [_line(row, result) for result in results for row in result.rows]
    return "\n".join(lines)


def planted_table(result: Result) -> str:
    lines = [
        f"Found on {result.date}:",
        "",
        "| planted bug | found by history |",
        "|---|--:|",
    ]
    lines += [f"| {row.what} | {'not found' if row.lost else row.tries} |" for row in result.rows]
    return "\n".join(lines)


def _line(row: Row, result: Result) -> str:
    what = f"{row.what} ({row.note})" if row.note else row.what
    form = " (quick)" if result.quick else ""
    numbers = f"{row.tries:,} | {row.faults:,} | {row.lost:,}"
    return f"| {what} | {numbers} | `{row.command}` | {result.date}{form} |"
