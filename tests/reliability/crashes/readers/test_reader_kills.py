"""A short campaign against readers. The command of this package runs the long one."""

import pytest

from tests.reliability.crashes.readers import campaign
from tests.reliability.crashes.readers.bugs import BUGS


def test_a_killed_reader_starts_again_and_serves_what_is_published():
    report = campaign.run(kills=8, seed=1)
    tally = report.tally
    assert (tally.wrong, tally.unfound, tally.broken) == (0, 0, [])
    assert tally.kills == sum(tally.by_signal.values()) == 8
    assert set(tally.by_signal) == {"SIGKILL", "SIGTERM"}
    assert len(tally.by_kind) == 3
    assert tally.compared > 8 * 1_000
    assert tally.missed < 4


@pytest.mark.parametrize("bug", ["folder_believed"])
def test_a_planted_bug_is_found(bug: str):
    assert bug in BUGS
    assert not campaign.run(kills=12, seed=2, bug=bug).held
