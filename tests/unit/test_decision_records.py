"""docs/adr holds short records of one form, and its index lists each of them."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "docs/adr"
RECORDS = sorted(FOLDER.glob("[0-9]*.md"))
ONE_PAGE = 60
"""Lines of a printed page."""


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_a_record_says_context_decision_and_consequences_on_one_page(record: Path) -> None:
    text = record.read_text()
    title, status = text.splitlines()[0], text.splitlines()[2]
    assert title.startswith(f"# {int(record.name[:4])}. ")
    assert re.fullmatch(r"(Accepted|Replaced by \[.+\]\(.+\)), \d{4}-\d{2}-\d{2}\.", status)
    sections = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert sections == ["Context", "Decision", "Consequences"]
    assert len(text.splitlines()) <= ONE_PAGE


def test_the_numbers_have_no_gap() -> None:
    assert [int(record.name[:4]) for record in RECORDS] == list(range(1, len(RECORDS) + 1))


def test_the_index_lists_every_record_by_its_title() -> None:
    index = (FOLDER / "README.md").read_text()
    for record in RECORDS:
        title = record.read_text().splitlines()[0].partition(". ")[2]
        assert f"| [{int(record.name[:4])}]({record.name}) | {title} |" in index
