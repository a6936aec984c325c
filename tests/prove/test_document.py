"""docs/reliability.md has a line for everything that is tried, and nothing in it was lost."""

import re

import pytest

from local.state import PROJECT
from tests.prove.document import DOCUMENT, LONG_RUNS, PLANTED_BUGS, RESULTS, replaced, table_of
from tests.prove.failures import FAILURES
from tests.prove.parts import PARTS
from tests.prove.results import Result, Row, save, saved
from tests.simulation.planted import PLANTED

_ITEMS = (
    "deterministic simulation",
    "bad input",
    "real kills",
    *(
        f"outage: {service} {shape}"
        for service in ("table", "queue", "bucket", "server")
        for shape in ("down", "slow", "flapping")
    ),
    "50 changes a second",
    "a backlog of 20,000 messages",
)


def _section(marker: str) -> list[list[str]]:
    """The cells of a table's lines."""
    text = DOCUMENT.read_text()
    (content,) = re.findall(
        rf"<!-- {marker} -->\n(.*?)<!-- end of {marker} -->", text, flags=re.DOTALL
    )
    lines = [line for line in content.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


@pytest.mark.parametrize("what", [*FAILURES, *_ITEMS])
def test_it_was_tried_and_nothing_was_lost(what: str):
    lines = [cells for cells in _section(RESULTS) if cells[0].startswith(what)]
    assert len(lines) == 1, f"`python -m tests.prove` writes a line for {what!r}"
    _, tries, _, lost, command, when = lines[0]
    assert int(tries.replace(",", "")) > 0
    assert lost == "0"
    assert command.startswith("`python -m tests.")
    assert re.match(r"\d{4}-\d\d-\d\d", when)


@pytest.mark.parametrize("name", PLANTED)
def test_every_planted_bug_was_found(name: str):
    (cells,) = [cells for cells in _section(PLANTED_BUGS) if cells[0] == name]
    assert int(cells[1]) > 0


@pytest.mark.parametrize("name", [i.split("::")[0] for ids in FAILURES.values() for i in ids])
def test_what_tries_a_row_is_there(name: str):
    assert (PROJECT / name).exists()


@pytest.mark.parametrize("test", [i for ids in FAILURES.values() for i in ids if "::" in i])
def test_a_test_that_tries_a_row_has_its_name(test: str):
    file, name = test.split("::")
    assert f"def {name}(" in (PROJECT / file).read_text()


def test_the_long_runs_have_a_place():
    assert f"<!-- {LONG_RUNS} -->" in DOCUMENT.read_text()


def test_a_result_is_kept_by_part(tmp_path):
    result = Result("rows", [Row("a", 1, 2, 0, "c")], quick=False, seconds=1.0)
    save(result, tmp_path)
    assert saved("rows", tmp_path) == result
    assert saved("fuzz", tmp_path) is None


def test_a_loss_shows_in_the_table():
    lost = Result("rows", [Row("a", 1000, 2, 3, "c", "n")], quick=True, date="2026-01-01")
    assert (
        table_of([lost]).splitlines()[-1] == "| a (n) | 1,000 | 2 | 3 | `c` | 2026-01-01 (quick) |"
    )


def test_a_document_without_its_markers_is_refused():
    with pytest.raises(ValueError, match="markers `results`"):
        replaced("nothing", RESULTS, "x")


def test_every_part_has_a_sentence():
    assert all(part.__doc__ for part in PARTS.values())
