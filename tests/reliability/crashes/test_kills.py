"""Workers are killed and stopped at every chosen moment. Nothing is lost, and all versions open."""

import pytest

from local.quick.names import Options
from tests.reliability.crashes.bugs import ACKNOWLEDGE_FIRST, KEEP_VECTORS, UNCONDITIONAL
from tests.reliability.crashes.campaign import Campaign, run
from tests.reliability.crashes.moments import CHOSEN, Moment
from tests.reliability.crashes.report import Report
from tests.reliability.crashes.rounds import Outcome, Plan, Strike

# A campaign takes a minute on an idle machine, and much longer beside busy processes.
pytestmark = pytest.mark.timeout(1200)

RECEIVE_LIMIT = Options().max_receive_count
STOPPED = (Moment.WRITTEN, Moment.HALF_UPLOADED, Moment.SWAPPING)


def carried_out(campaign: Campaign, *rounds: Plan) -> Report:
    return run(campaign, rounds, len(rounds), lambda *_: None)


@pytest.mark.long
def test_workers_struck_at_every_moment_lose_nothing_and_every_version_opens() -> None:
    rounds = [
        *(Plan(moment, Strike.KILL) for moment in CHOSEN if moment not in STOPPED),
        *(Plan(moment, Strike.STOP) for moment in STOPPED),
        Plan(Moment.FUNCTION, Strike.KILL),
    ]
    report = carried_out(Campaign(seed=1, receipts=10), *rounds)
    assert (report.lost, report.broken, report.missed) == (0, [], 0)
    assert set(report.by_moment) == {moment.value for moment in (*CHOSEN, Moment.FUNCTION)}
    assert report.faults == report.tries == len(rounds)
    assert report.refused_after_waking > 0
    assert report.embedded_again > 0
    assert 1 < report.most_receives <= RECEIVE_LIMIT
    assert report.held
    assert report.versions > report.tries


def test_workers_struck_at_some_moments_lose_nothing_and_every_version_opens() -> None:
    rounds = [Plan(Moment.SWAPPING, Strike.KILL), Plan(Moment.WRITTEN, Strike.STOP)]
    report = carried_out(Campaign(seed=5, receipts=4, function=False), *rounds)
    assert (report.lost, report.broken, report.missed) == (0, [], 0)
    assert report.faults == report.tries == len(rounds)
    assert report.refused_after_waking > 0
    assert report.held
    assert report.versions > report.tries


@pytest.mark.long
def test_a_worker_that_acknowledges_too_early_is_found() -> None:
    campaign = Campaign(seed=2, receipts=4, function=False, bug=ACKNOWLEDGE_FIRST, settles_within=4)
    assert carried_out(campaign, Plan(Moment.SWAPPING, Strike.KILL)).lost > 0


@pytest.mark.long
def test_a_worker_that_overwrites_anothers_version_is_found() -> None:
    campaign = Campaign(seed=3, receipts=4, function=False, bug=UNCONDITIONAL, settles_within=4)
    report = carried_out(campaign, Plan(Moment.SWAPPING, Strike.STOP))
    assert any("an update of the manifest was lost" in fault for fault in report.broken)


@pytest.mark.long
def test_a_worker_that_keeps_the_vector_of_an_earlier_text_is_found() -> None:
    """The record is marked as stale, so `verify` finds no difference."""
    campaign = Campaign(
        seed=4, receipts=4, rate=60, function=False, bug=KEEP_VECTORS, settles_within=6
    )
    report = carried_out(campaign, *[Plan(Moment.RANDOM, Strike.KILL)] * 3)
    assert report.embedded_again > 0
    assert report.lost > 0
    assert any("other vector" in fault for fault in report.broken)


def test_a_round_without_a_strike_is_not_counted_as_one() -> None:
    report = Report(records=1)
    report.count(Outcome(Plan(Moment.FUNCTION, Strike.KILL), reached=False, struck=False))
    assert (report.tries, report.faults, report.missed, report.by_moment) == (1, 0, 1, {})
    assert not report.held
    report.count(Outcome(Plan(Moment.LEASED, Strike.KILL), reached=True, struck=True))
    assert report.held
