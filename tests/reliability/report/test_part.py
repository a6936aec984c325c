"""A part fails without figures if it tried nothing, or if an expected row is missing."""

from pathlib import Path

import pytest

from tests.reliability.report.parts import part, pytest_runs
from tests.reliability.report.parts.commands import PartFailedError
from tests.reliability.report.parts.kills_and_outages import kills_row
from tests.reliability.report.parts.part import Part
from tests.reliability.report.results import Row
from tests.reliability.report.running import in_stages, result_of


def row(what: str, tries: int = 5) -> Row:
    return Row(what, tries, 1, 0, "command")


def made(*rows: Row, owes: tuple[str, ...] = ("one", "two"), beside: str = "") -> Part:
    return Part(
        "name", lambda quick: list(rows), ("tests/reliability/report",), owes, beside=beside
    )


def test_a_part_that_gives_what_it_owes_has_its_rows() -> None:
    rows = [row("one (with a note)"), row("two"), row("more")]
    assert made(*rows).checked(quick=False) == rows


@pytest.mark.parametrize("quick", [False, True])
def test_a_row_without_tries_fails_the_part(quick: bool) -> None:
    with pytest.raises(PartFailedError, match="nothing was tried for two"):
        made(row("one"), row("two", tries=0)).checked(quick=quick)


@pytest.mark.parametrize("rows", [(row("one"),), (row("one"), row("two"), row("two again"))])
def test_a_row_that_is_missing_or_there_twice_fails_the_part(rows: tuple[Row, ...]) -> None:
    with pytest.raises(PartFailedError, match="for two"):
        made(*rows).checked(quick=False)
    assert made(*rows).checked(quick=True)


def test_code_that_changes_during_a_run_fails_the_part(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = iter(["before", "after"])
    monkeypatch.setattr(part, "digest_of", lambda paths: next(codes))
    with pytest.raises(PartFailedError, match="the code changed"):
        made(row("one"), row("two")).checked(quick=False)


def test_a_test_that_can_not_be_collected_fails_the_part(tmp_path: Path) -> None:
    broken = tmp_path / "test_not_collected.py"
    broken.write_text("import a_module_that_is_not_there\n\ndef test_it(): pass\n")
    with pytest.raises(PartFailedError, match="a_module_that_is_not_there"):
        pytest_runs.run([str(broken), "tests/reliability/report/test_counting.py"])


def test_neighbours_that_wait_run_at_the_same_time() -> None:
    parts = [made(), made(beside="a"), made(beside="a"), made(), made()]
    assert [len(stage) for stage in in_stages(parts)] == [1, 2, 1, 1]
    ran = list(result_of([made(row("one"), row("two"), beside="a"), made(beside="a")], quick=False))
    assert [type(found).__name__ for _, found in ran] == ["Result", "PartFailedError"]


def test_strikes_are_counted_and_not_rounds_and_the_missed_and_torn_are_shown() -> None:
    one = {"tries": 10, "faults": 8, "lost": 1, "writes": 100, "versions": 20, "broken": ["x"]}
    one |= {"missed": 2, "torn_persists": 3, "most_receives": 4, "held": False}
    one |= {"searches": 500, "graph_misses": 7}
    shown = kills_row([one] * 2, "command")
    assert (shown.tries, shown.faults, shown.lost, shown.broken) == (20, 16, 2, 2)
    assert "4 moments did not come, 6 indexes were left torn" in shown.note
    assert "received 4 times at most" in shown.note
    assert "14 of 1,000 searches miss as plain Chroma does" in shown.note


def test_a_campaign_that_did_not_hold_and_names_no_reason_is_broken() -> None:
    counted = ("tries", "faults", "lost", "writes", "versions", "missed", "torn_persists")
    without = dict.fromkeys((*counted, "most_receives", "searches", "graph_misses"), 0)
    shown = kills_row([{**without, "broken": [], "held": False}], "command")
    assert (shown.lost, shown.broken) == (0, 1)
