"""A short campaign against readers. The command of this package runs the long one."""

import pytest

from tests.reliability.crashes.readers import campaign
from tests.reliability.crashes.readers.bugs import BUGS

# A campaign takes half a minute on an idle machine, and much longer beside busy processes.
pytestmark = pytest.mark.timeout(1200)


def test_a_killed_reader_starts_again_and_serves_what_is_published() -> None:
    report = campaign.run(kills=8, seed=1)
    counts = report.counts
    assert (counts.wrong, counts.unfound, counts.broken) == (0, 0, [])
    assert counts.kills == sum(counts.by_signal.values()) == 8
    assert set(counts.by_signal) == {"SIGKILL", "SIGTERM"}
    assert len(counts.by_kind) == 3
    assert counts.compared > 8 * 1_000
    assert counts.missed < 4


@pytest.mark.long
@pytest.mark.parametrize("bug", ["folder_believed"])
def test_a_planted_bug_is_found(bug: str) -> None:
    assert bug in BUGS
    assert not campaign.run(kills=12, seed=2, bug=bug).held
