"""Leases in the table, and the release of a lease."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from receipt_ops.dynamodb_locks import DynamoDBLocks
from receipt_ops.locks import HeldLock, LeaseRowError, LockHeldError, held_locks, release
from receipt_sync.keys import Collection
from tests.unit.receipt_ops.deployed_system import BEAT, NOW, lock


@pytest.mark.parametrize(
    ("held", "over", "alive"),
    [
        (lock(40, -10), False, True),
        (lock(-1, -10), True, False),
        (lock(3_600, -300), False, False),
        (lock(60, None), False, False),
    ],
)
def test_a_holder_is_at_work_while_it_beats_and_its_lease_runs(
    held: HeldLock, over: bool, alive: bool
) -> None:
    assert (held.is_over(NOW), held.is_alive(NOW)) == (over, alive)


def test_a_holder_that_beats_as_slowly_as_it_is_configured_to_is_at_work() -> None:
    slow = replace(lock(85, -35), every=timedelta(seconds=45))
    assert slow.is_alive(NOW)
    with pytest.raises(LockHeldError, match="is 35 s old"):
        release(Locks(slow), slow, NOW, force=False)
    assert not replace(lock(85, -91), every=timedelta(seconds=45)).is_alive(NOW)


def test_a_dry_release_makes_every_check_and_ends_nothing() -> None:
    locks = Locks()
    assert release(locks, lock(3_600, -300), NOW, force=False, dry_run=True)
    with pytest.raises(LockHeldError):
        release(locks, lock(40, -10), NOW, force=False, dry_run=True)
    assert locks.released == []


class Locks:
    def __init__(self, *held: HeldLock, changed_hands: bool = False) -> None:
        self.held = {one.lock_id: one for one in held}
        self.released: list[str] = []
        self.changed_hands = changed_hands

    def get(self, lock_id: str, collection: Collection) -> HeldLock | None:
        return self.held.get(lock_id)

    def release(self, lock_id: str, owner: str) -> bool:
        self.released.append(owner)
        return not self.changed_hands


def test_a_silent_holders_lease_is_released_and_a_living_ones_only_by_force() -> None:
    locks = Locks(lock(3_600, -300))
    assert held_locks(locks, "lock") == [lock(3_600, -300)]
    assert release(locks, lock(3_600, -300), NOW, force=False)
    with pytest.raises(LockHeldError, match="is 10 s old"):
        release(locks, lock(40, -10), NOW, force=False)
    with pytest.raises(LockHeldError, match="is 10 s old"):
        release(locks, lock(40, -10), NOW, force=False, dry_run=True)
    assert release(locks, lock(40, -10), NOW, force=True)
    assert locks.released == ["owner", "owner"]
    assert not release(Locks(changed_hands=True), lock(3_600, -300), NOW, force=False)


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"owner": {"S": "o"}, "expires_at": {"S": "soon"}},
        {"owner": {"S": "o"}, "expires_at": {"N": "1e30"}},
        {"owner": {"S": "o"}, "expires_at": {"N": "1"}, "heartbeat": {"S": "just now"}},
        {"owner": {"S": "o"}, "expires_at": {"N": "1"}, "heartbeat": {"S": "2026-01-01T00:00:00"}},
        {"owner": "o", "expires_at": {"N": "1"}},
    ],
)
def test_a_row_that_is_no_lease_is_named(item: Any) -> None:
    class Table:
        def get_item(self, **_: Any) -> Any:
            return {"Item": item or {"PK": {"S": "LOCK#l"}}}

    table: Any = Table()
    with pytest.raises(LeaseRowError, match="LOCK#lock-lines"):
        DynamoDBLocks(table, "t", BEAT).get("lock-lines", Collection.LINES)
