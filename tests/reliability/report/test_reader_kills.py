"""The row of a campaign against readers."""

import json
from collections.abc import Sequence

import pytest

from tests.reliability.crashes.readers.campaign import Report
from tests.reliability.crashes.readers.rounds import Counts
from tests.reliability.report.parts import reader_kills
from tests.reliability.report.parts.reader_kills import READER_KILLS, row_of

HELD = {
    "kills": 120,
    "compared": 130_000,
    "wrong": 0,
    "unfound": 0,
    "graph_misses": 2,
    "missed": 3,
    "broken": [],
}


def test_every_kill_is_a_try_and_a_moment_that_did_not_come_is_counted() -> None:
    row = row_of(HELD, "command")
    assert (row.tries, row.faults, row.lost, row.broken) == (120, 120, 0, 0)
    assert "130,000 records compared" in row.note
    assert "2 searches miss as plain Chroma does on the same bytes (search issue)" in row.note
    assert "3 moments did not come" in row.note


def test_a_wrong_record_and_one_not_found_are_losses_and_a_broken_reader_stands_apart() -> None:
    row = row_of({**HELD, "wrong": 2, "unfound": 4, "broken": ["a reader serves nothing"]}, "c")
    assert (row.lost, row.broken) == (6, 1)


def test_the_part_reads_what_the_command_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = json.dumps(Report(Counts(kills=120, compared=9), seconds=1.0).to_json())

    def figures(command: Sequence[str]) -> object:
        assert command[:2] == ("-m", "tests.reliability.crashes.readers")
        return json.loads(printed)

    monkeypatch.setattr(reader_kills, "figures", figures)
    (row,) = READER_KILLS.checked(quick=False)
    assert (row.what, row.tries, row.lost) == ("readers killed", 120, 0)
