"""The score counts what it says, and docs/reliability.md shows only figures of the present code."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.reliability.mutation import results
from tests.reliability.mutation.results import MARKER, Result, block, score
from tests.reliability.mutation.toy import CONSTANT, LINE
from tests.reliability.mutation.trial import Outcome, Tried
from tests.reliability.report.document import DOCUMENT, NOT_RUN

TRIED = [
    Tried(LINE, Outcome.KILLED),
    Tried(CONSTANT, Outcome.TIMED_OUT),
    Tried(LINE, Outcome.KILLED),
    Tried(CONSTANT, Outcome.EQUIVALENT),
    Tried(replace(LINE, path="src/receipt_sync/toy.py"), Outcome.SURVIVED, tests=3),
]


def found(code: str) -> Result:
    return Result(TRIED, asked=5, seed=7, population=50, seconds=9, date="2026-01-01", code=code)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "reliability.md"
    path.write_text(DOCUMENT.read_text())
    return path


def test_the_score_leaves_equivalent_mutants_out() -> None:
    assert score(TRIED) == 75
    assert score([]) == 0


def test_the_block_shows_each_package_and_each_survivor() -> None:
    shown = block(found("c" * 12))
    assert "`make mutate MUTANTS=5 SEED=7` tried 5 of 50" in shown
    assert "Score: **75.0 %**" in shown
    assert "| `src/compactor` | 4 | 3 | 1 | 0 | 1 | 100 % |" in shown
    assert "| `src/receipt_sync` | 1 | 0 | 0 | 1 | 0 | 0 % |" in shown
    assert "| src/receipt_sync/toy.py:7 | `` return a and b `` | `` return a `` |" in shown


def test_figures_of_other_code_leave_the_page(page: Path) -> None:
    results.write(found(results.present_code()), page)
    assert results.refresh(page)
    assert "75.0 %" in page.read_text()
    results.write(found("0" * 12), page)
    assert not results.refresh(page)
    assert "75.0 %" not in page.read_text()
    assert results.not_run() in page.read_text()


def test_the_committed_page_has_figures_of_some_code_or_none() -> None:
    _, _, rest = DOCUMENT.read_text().partition(f"<!-- {MARKER} -->\n")
    shown = rest.partition(f"<!-- end of {MARKER} -->")[0]
    assert shown.startswith(("**mutation**: code `", f"**mutation**: {NOT_RUN}"))


def test_a_survivor_is_described_with_its_change() -> None:
    assert results.described(TRIED[-1]) == (
        "src/receipt_sync/toy.py:7 apply (NumberReplacer): survived, 3 tests\n"
        "  - return a and b\n  + return a"
    )
