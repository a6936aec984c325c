"""The row of a campaign against readers."""

from tests.prove.reader_kills import row_of

HELD = {
    "kills": 120,
    "compared": 130_000,
    "wrong": 0,
    "unfound": 0,
    "missed": 3,
    "broken": [],
}


def test_every_kill_is_a_try_and_what_did_not_come_is_told():
    row = row_of(HELD, "command")
    assert (row.tries, row.faults, row.lost) == (120, 120, 0)
    assert "130,000 records compared" in row.note
    assert "3 moments did not come" in row.note


def test_a_wrong_record_one_not_found_and_a_broken_reader_are_losses():
    row = row_of({**HELD, "wrong": 2, "unfound": 4, "broken": ["a reader serves nothing"]}, "c")
    assert row.lost == 7
