"""Workers are killed and stopped at every chosen moment: nothing is lost, all versions open."""

import pytest

from tests.kills.bugs import ACKNOWLEDGE_FIRST, UNCONDITIONAL
from tests.kills.campaign import Campaign, Report, run
from tests.kills.moments import CHOSEN, Moment
from tests.kills.rounds import Plan, Strike

STOPPED = (Moment.WRITTEN, Moment.HALF_UPLOADED, Moment.SWAPPING)


def carried_out(campaign: Campaign, *rounds: Plan) -> Report:
    return run(campaign, rounds, len(rounds), lambda *_: None)


@pytest.mark.timeout(240)
def test_workers_struck_at_every_moment_lose_nothing_and_every_version_opens() -> None:
    rounds = [
        *(Plan(moment, Strike.KILL) for moment in CHOSEN if moment not in STOPPED),
        *(Plan(moment, Strike.STOP) for moment in STOPPED),
        Plan(Moment.FUNCTION, Strike.KILL),
    ]
    report = carried_out(Campaign(seed=1, receipts=10), *rounds)
    assert (report.lost, report.broken, report.missed) == (0, [], 0)
    assert set(report.by_moment) == {moment.value for moment in (*CHOSEN, Moment.FUNCTION)}
    assert report.refused_after_waking > 0
    assert report.versions > report.tries


def test_a_worker_that_acknowledges_too_early_is_found() -> None:
    campaign = Campaign(seed=2, receipts=4, function=False, bug=ACKNOWLEDGE_FIRST, settles_within=4)
    assert carried_out(campaign, Plan(Moment.SWAPPING, Strike.KILL)).lost > 0


def test_a_worker_that_overwrites_anothers_version_is_found() -> None:
    campaign = Campaign(seed=3, receipts=4, function=False, bug=UNCONDITIONAL, settles_within=4)
    report = carried_out(campaign, Plan(Moment.SWAPPING, Strike.STOP))
    assert any("an update of the manifest was lost" in fault for fault in report.broken)
