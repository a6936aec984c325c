"""docs/design.md holds every rule and contract that code, tests and pages refer to."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.report.parts.failures import FAILURES

PROJECT = Path(__file__).resolve().parents[2]
DESIGN = PROJECT / "docs/design.md"
TEXT = DESIGN.read_text()
RULES = set(re.findall(r"^\| (I\d+) \|", TEXT, re.MULTILINE))
HEADINGS = set(re.findall(r"^#{2,3} (.+)$", TEXT, re.MULTILINE))
FOLDERS = ("src", "tests", "docs", "local", "demo", "loadtest", "benchmarks", "examples")
READ = {".py", ".md", ".tf", ".yaml", ".yml", ".toml"}
RULE = re.compile(r"(?<![\w/+.=-])I(\d{1,2})(?![\w/+=-])")
CONTRACT = re.compile(r"\bdesign: ([A-Z][a-zA-Z -]*)")


def referring() -> Iterator[Path]:
    yield from (*PROJECT.glob("*.md"), PROJECT / "template.yaml", *PROJECT.glob(".github/**/*.yml"))
    files = (path for folder in FOLDERS for path in (PROJECT / folder).rglob("*"))
    yield from (path for path in files if path.suffix in READ and path != Path(__file__))


def unresolved(text: str) -> set[str]:
    """Return the references in a text that have no place in docs/design.md."""
    rules = {f"I{number}" for number in RULE.findall(text)}
    contracts = {name.strip() for name in CONTRACT.findall(text)}
    return (rules - RULES) | (contracts - HEADINGS)


def test_every_reference_resolves() -> None:
    wrong = {
        path.relative_to(PROJECT).as_posix(): missing
        for path in referring()
        if path != DESIGN and (missing := unresolved(path.read_text()))
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("saves work (I3), see I13.", set()),
        ("a rule (I99) of long ago", {"I99"}),
        ("the lease (design: Lease)", set()),
        ("the lease (design: Leases)", {"Leases"}),
        ("a digest sha256/I77 or UI7", set()),
    ],
)
def test_a_reference_without_a_place_would_be_found(text: str, missing: set[str]) -> None:
    assert unresolved(text) == missing


def test_the_references_are_found_at_all() -> None:
    found = "\n".join(path.read_text() for path in referring())
    assert len(RULE.findall(found)) > 40
    assert len(CONTRACT.findall(found)) > 5


def test_the_failure_table_has_the_rows_that_tests_try() -> None:
    table = TEXT.split("## When something fails")[1]
    rows = re.findall(r"^\| ([^|]+) \| [A-Z0-9`]", table, re.MULTILINE)
    assert rows == list(FAILURES)
