from datetime import datetime, timedelta
from random import Random

import pytest

from compactor.locking.lease import Lease, LeaseTerms
from compactor.locking.lock_table import CompactionLock
from receipt_sync.deadline import Deadline
from receipt_sync.errors import LeaseLostError, LeaseUnavailableError, LockTableError
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.locks import InMemoryLockTable, no_heartbeat
from tests.support.fakes.telemetry import RecordingTelemetry


class Setting:
    def __init__(self) -> None:
        self.clock, self.table = ManualClock(), InMemoryLockTable()
        self.telemetry = RecordingTelemetry()

    def lease(self, owner: str) -> Lease:
        terms = LeaseTerms("lock", owner, timedelta(seconds=60))
        return Lease(self.table, terms, no_heartbeat, self.clock, Random(1), self.telemetry)

    def deadline(self, seconds: float) -> Deadline:
        return Deadline(self.clock, seconds)


@pytest.fixture
def setting() -> Setting:
    return Setting()


def test_a_lease_is_released_at_the_end(setting: Setting) -> None:
    with setting.lease("a").held(setting.deadline(10)):
        assert setting.table.locks["lock"].owner == "a"
    assert setting.table.locks == {}


def test_what_was_not_acquired_is_not_released(setting: Setting) -> None:
    with setting.lease("a").held(setting.deadline(10)):
        with pytest.raises(LeaseUnavailableError), setting.lease("b").held(setting.deadline(5)):
            pass
        assert setting.table.locks["lock"].owner == "a"


def test_a_heartbeat_moves_the_expiry(setting: Setting) -> None:
    lease = setting.lease("a")
    with lease.held(setting.deadline(10)):
        setting.clock.advance(50)
        lease.beat()
        setting.clock.advance(50)
        lease.check()
        assert setting.table.locks["lock"].expires == setting.clock.now() + timedelta(seconds=10)


def test_a_waiting_cycle_gets_a_lease_that_runs_out(setting: Setting) -> None:
    with setting.lease("dead").held(setting.deadline(10)):
        with setting.lease("next").held(setting.deadline(90)):
            assert setting.table.locks["lock"].owner == "next"
        assert setting.clock.elapsed >= 60


def test_a_heartbeat_never_revives_a_lease_that_ran_out(setting: Setting) -> None:
    lease = setting.lease("a")
    with lease.held(setting.deadline(10)):
        setting.clock.advance(61)
        with pytest.raises(LeaseLostError):
            lease.beat()


def test_a_lease_that_another_took_is_lost_and_left_alone(setting: Setting) -> None:
    lease = setting.lease("a")
    with lease.held(setting.deadline(10)):
        setting.clock.advance(61)
        with setting.lease("b").held(setting.deadline(10)):
            with pytest.raises(LeaseLostError):
                lease.check()
            assert setting.table.locks["lock"].owner == "b"


def test_clock_skew_between_workers_costs_at_most_a_wasted_cycle(setting: Setting) -> None:
    """A worker whose clock is an hour ahead takes the lease; the holder learns at its next beat."""
    lease = setting.lease("a")
    with lease.held(setting.deadline(10)):
        ahead = Setting()
        ahead.table = setting.table
        ahead.clock.advance(3600)
        with ahead.lease("b").held(ahead.deadline(10)):
            with pytest.raises(LeaseLostError):
                lease.beat()
            with pytest.raises(LeaseLostError):
                lease.check()


def test_the_lease_can_be_taken_again_after_it_was_lost(setting: Setting) -> None:
    lease = setting.lease("a")
    with lease.held(setting.deadline(10)):
        setting.clock.advance(61)
    with lease.held(setting.deadline(10)):
        lease.check()


def test_a_lease_that_an_unanswered_try_has_taken_is_held_at_once(setting: Setting) -> None:
    acquire = setting.table.acquire

    def repeated(lock: CompactionLock, now: datetime) -> str:
        acquire(lock, now)  # carried out, the answer is lost, and the client repeats the call
        return acquire(lock, now)

    setting.table.acquire = repeated  # type: ignore[method-assign]
    with setting.lease("a").held(setting.deadline(5)):
        assert setting.clock.elapsed == 0


def test_a_lease_that_was_not_released_is_taken_again_by_its_owner_alone(setting: Setting) -> None:
    with setting.lease("a").held(setting.deadline(5)):
        left = setting.table.locks["lock"]
    setting.table.locks["lock"] = left
    setting.clock.advance(30)
    with (
        pytest.raises(LeaseUnavailableError, match=r"held by another worker \(a\)"),
        setting.lease("b").held(setting.deadline(5)),
    ):
        pass
    lease = setting.lease("a")
    with lease.held(setting.deadline(5)):
        setting.clock.advance(59)
        lease.check()


def test_a_release_without_an_answer_does_not_fail_the_cycle(setting: Setting) -> None:
    def unanswered(lock_id: str, owner: str) -> bool:
        raise LockTableError("no answer")

    setting.table.release = unanswered  # type: ignore[method-assign]
    done = False
    with setting.lease("a").held(setting.deadline(5)):
        done = True
    assert done
    assert [name for name, _ in setting.telemetry.problems] == ["lease not released"]


def test_a_lease_is_held_neither_before_nor_after_its_block(setting: Setting) -> None:
    lease = setting.lease("a")
    with pytest.raises(LeaseLostError):
        lease.check()
    with lease.held(setting.deadline(10)):
        lease.check()
    with pytest.raises(LeaseLostError):
        lease.check()
