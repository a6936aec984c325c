"""docs/reliability.md has a line for everything that is tried, and nothing in it was lost."""

import re

import pytest

from local.state import PROJECT
from tests.prove.document import (
    DOCUMENT,
    LONG_RUNS,
    PLANTED_BUGS,
    RESULTS,
    replaced,
    table_of,
    write,
)
from tests.prove.failures import FAILURES
from tests.prove.parts import LONG, PARTS
from tests.prove.promises import EARLIER_SNAPSHOTS, EVERY_PYTHON, ODD_DATA, SECURITY
from tests.prove.pythons import VERSIONS
from tests.prove.results import Result, Row, save, saved
from tests.simulation.planted import PLANTED

_TESTED = FAILURES | ODD_DATA | SECURITY | EARLIER_SNAPSHOTS
_TESTS = [*(test for tests in _TESTED.values() for test in tests), *EVERY_PYTHON]
_ITEMS = (
    *_TESTED,
    "known vulnerabilities of locked versions",
    *(f"Python {version}" for version in VERSIONS),
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
_LONG_ITEMS = (
    "300 changes a second for 600 s",
    "50 changes a second for 1800 s",
    "histories so far",
)


def _section(marker: str) -> list[list[str]]:
    """The cells of a table's lines."""
    text = DOCUMENT.read_text()
    (content,) = re.findall(
        rf"<!-- {marker} -->\n(.*?)<!-- end of {marker} -->", text, flags=re.DOTALL
    )
    lines = [line for line in content.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


@pytest.mark.parametrize(
    ("marker", "what"),
    [*((RESULTS, what) for what in _ITEMS), *((LONG_RUNS, what) for what in _LONG_ITEMS)],
)
def test_it_was_tried_and_nothing_was_lost(marker: str, what: str):
    lines = [cells for cells in _section(marker) if cells[0].startswith(what)]
    assert len(lines) == 1, f"`python -m tests.prove` writes a line for {what!r}"
    _, tries, _, lost, command, when = lines[0]
    assert int(tries.replace(",", "")) > 0
    assert lost == "0"
    assert command.startswith(("`python -m tests.", "`make "))
    assert re.match(r"\d{4}-\d\d-\d\d", when)


@pytest.mark.parametrize("name", PLANTED)
def test_every_planted_bug_was_found(name: str):
    (cells,) = [cells for cells in _section(PLANTED_BUGS) if cells[0] == name]
    assert int(cells[1]) > 0


@pytest.mark.parametrize("name", [test.split("::")[0] for test in _TESTS])
def test_what_tries_a_promise_is_there(name: str):
    assert (PROJECT / name).exists()


@pytest.mark.parametrize("test", [test for test in _TESTS if "::" in test])
def test_a_test_that_tries_a_promise_has_its_name(test: str):
    file, name = test.split("::")
    assert f"def {name}(" in (PROJECT / file).read_text()


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


def test_a_long_run_has_a_table_of_its_own(tmp_path):
    path = tmp_path / "document.md"
    markers = [f"<!-- {name} -->\nbefore\n<!-- end of {name} -->" for name in (RESULTS, LONG_RUNS)]
    path.write_text("\n".join(markers))
    results = {
        name: Result(name, [Row(name, 1, 2, 0, "c")], quick=False) for name in ("rows", "million")
    }
    write(results, path, long=LONG)
    first, second = path.read_text().split(f"<!-- {LONG_RUNS} -->")
    assert "| rows |" in first
    assert "| million |" not in first
    assert "| million |" in second
    assert "before" not in first + second


def test_a_document_without_its_markers_is_refused():
    with pytest.raises(ValueError, match="markers `results`"):
        replaced("nothing", RESULTS, "x")


def test_every_part_has_a_sentence():
    assert all(part.__doc__ for part in (PARTS | LONG).values())
