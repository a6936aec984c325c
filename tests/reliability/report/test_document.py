"""docs/reliability.md shows every part of the proof, with figures of the present code or none."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.reliability.report.document import (
    DOCUMENT,
    NOT_RUN,
    PLACES,
    block_of,
    blocks_of,
    code_of,
    replaced,
    stale,
    write,
)
from tests.reliability.report.parts.all_parts import LONG, PARTS
from tests.reliability.report.parts.part import LONG_RUNS, PLANTED_BUGS, RESULTS, Part
from tests.reliability.report.parts.simulation import simulated
from tests.reliability.report.results import Result, Row, save, saved

ALL = PARTS | LONG


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A document with its markers and nothing between them."""
    path = tmp_path / "page.md"
    path.write_text("\n".join(f"<!-- {p} -->\n<!-- end of {p} -->\n" for p in PLACES))
    return path


def found(part: Part, *, lost: int = 0, code: str | None = None) -> Result:
    """A result with a row for everything that a part owes."""
    rows = [Row(what, 1000, 2, lost, "c", "n") for what in part.owes]
    return Result(part.name, rows, quick=False, code=code or part.code, date="2026-01-01")


def cells(block: str) -> list[list[str]]:
    lines = [line for line in block.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def test_what_the_simulation_does_now_is_what_the_page_shows(page: Path) -> None:
    row = simulated(15)
    part = PARTS["simulation"]
    result = Result(part.name, [row], quick=True, code=part.code)
    missing = write({part.name: result}, ALL, page)
    ((what, tries, faults, lost, broken, command),) = cells(
        blocks_of(page.read_text(), RESULTS)[part.name]
    )
    assert re.match(r"deterministic simulation \(\d+ versions opened", what)
    assert (tries, lost, broken, command) == (
        "15",
        "0",
        "0",
        "`python -m tests.reliability.simulation --histories 15`",
    )
    assert int(faults) > 0
    assert set(missing) == set(ALL) - {part.name}


@pytest.mark.parametrize("name", ALL)
def test_the_committed_page_has_a_block_for_the_part_with_all_rows_or_none(name: str) -> None:
    part = ALL[name]
    block = blocks_of(DOCUMENT.read_text(), part.place)[name]
    if code_of(block) is None:
        assert NOT_RUN in block
        return
    shown = [row[0] for row in cells(block)]
    assert [what for what in part.owes if sum(s.startswith(what) for s in shown) != 1] == []
    assert all(row[1] != "0" for row in cells(block))


def test_a_result_of_other_code_is_refused(page: Path) -> None:
    part = PARTS["backlog"]
    assert part.name in write({part.name: found(part, code="0" * 12)}, ALL, page)
    assert NOT_RUN in blocks_of(page.read_text(), RESULTS)[part.name]
    assert "1,000" not in page.read_text()


def test_figures_on_the_page_go_when_the_code_changes(page: Path) -> None:
    part = PARTS["backlog"]
    write({part.name: found(part)}, ALL, page)
    assert part.name not in write({}, ALL, page)
    assert part.name not in stale(ALL, page)
    other_code = {part.name: replace(part, tests=("tests/reliability/report",))}
    assert stale(other_code, page) == [part.name]
    assert write({}, other_code, page) == [part.name]
    assert "1,000" not in page.read_text()


def test_a_result_is_kept_by_part(tmp_path: Path) -> None:
    result = found(PARTS["fuzz"])
    save(result, tmp_path)
    assert saved("fuzz", tmp_path) == result
    assert saved("rows", tmp_path) is None


def test_a_loss_and_what_is_broken_show_in_the_table() -> None:
    block = block_of(found(PARTS["fuzz"], lost=3))
    assert block.splitlines()[-1] == "| bad input (n) | 1,000 | 2 | 3 | 0 | `c` |"
    row = Row("kills", 9, 8, 0, "c", broken=4)
    block = block_of(replace(found(PARTS["fuzz"]), rows=[row]))
    assert block.splitlines()[-1] == "| kills | 9 | 8 | 0 | 4 | `c` |"


def test_a_planted_bug_that_was_not_found_shows_in_its_table() -> None:
    rows = [Row("one", 7, 1, 0, "c"), Row("other", 3000, 1, 1, "c")]
    block = block_of(Result("planted", rows, quick=False, code="0" * 12), PLANTED_BUGS)
    assert block.splitlines()[-2:] == ["| one | 7 |", "| other | not found |"]


def test_every_part_is_in_its_own_place(page: Path) -> None:
    assert write({name: found(part) for name, part in ALL.items()}, ALL, page) == []
    shown = {place: list(blocks_of(page.read_text(), place)) for place in PLACES}
    assert shown[LONG_RUNS] == list(LONG)
    assert shown[PLANTED_BUGS] == ["planted"]
    assert shown[RESULTS] == [name for name in PARTS if name != "planted"]


def test_a_document_without_its_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="markers `results`"):
        replaced("nothing", RESULTS, "x")
