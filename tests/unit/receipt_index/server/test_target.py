"""Checkout, claim, publish, discard on a server; the version object in memory."""

from uuid import UUID

import numpy as np
import pytest

from receipt_index.records import NewVector
from receipt_index.server.target import ServerTarget
from receipt_sync.deadline import Deadline
from receipt_sync.errors import PublishRefusedError, SnapshotDamagedError, UnsettledError
from receipt_sync.keys import Collection
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.server import InMemoryServerIndex
from tests.support.fakes.snapshots import InMemorySnapshotStore


class Setting:
    def __init__(self) -> None:
        self.store, self.clock = InMemorySnapshotStore(), ManualClock()
        self.index = InMemoryServerIndex()
        self.opened: list[bool] = []

    def target(self, writer: str) -> ServerTarget:
        def open_index(create: bool) -> InMemoryServerIndex:
            self.opened.append(create)
            return self.index

        return ServerTarget(self.store, Collection.LINES, open_index, self.clock, writer)

    def begun(self, writer: str, seconds: float = 60) -> ServerTarget:
        """A target that has checked out."""
        target = self.target(writer)
        return self.begin(target, seconds)

    def begin(self, target: ServerTarget, seconds: float = 60) -> ServerTarget:
        target.checkout(Deadline(self.clock, seconds))
        return target


@pytest.fixture
def setting() -> Setting:
    return Setting()


def test_versions_follow_each_other_and_carry_the_count(setting: Setting) -> None:
    target = setting.begun("one")
    target.mark_dirty()
    assert target.publish(7).version == 1
    setting.begin(target)
    assert target.publish(None).version == 2
    assert b'"record_count":7' in (setting.store.data or b"")


def test_a_cold_worker_begins_nothing_anew_on_records_without_a_manifest(setting: Setting) -> None:
    target = setting.begun("one")
    target.mark_dirty()
    setting.index.insert([NewVector("a", np.ones(2, np.float32), "text", {})])
    target.publish(1)
    setting.store.data = None
    with pytest.raises(SnapshotDamagedError, match="the server's collection has records"):
        setting.begun("cold")
    assert setting.store.data is None


def test_a_claim_that_comes_between_the_look_and_the_count_is_no_damage(setting: Setting) -> None:
    target = setting.begun("one")
    target.mark_dirty()
    setting.index.insert([NewVector("a", np.ones(2, np.float32), "text", {})])
    claimed, setting.store.data = setting.store.data, None
    count = setting.index.count

    def late() -> int:
        setting.store.data = claimed
        return count()

    setting.index.count = late  # type: ignore[method-assign]
    setting.begun("two")


def test_the_collection_is_made_only_before_the_first_publish(setting: Setting) -> None:
    setting.begun("one").publish(0)
    setting.begun("two")
    assert setting.opened == [True, False]


def test_a_warm_worker_asks_only_whether_the_version_moved(setting: Setting) -> None:
    target = setting.begun("one")
    target.publish(0)
    setting.begin(target).publish(None)
    setting.begin(target)
    assert setting.opened == [True]


def test_who_publishes_second_is_refused(setting: Setting) -> None:
    slow, fast = setting.begun("slow"), setting.begun("fast")
    fast.publish(0)
    with pytest.raises(PublishRefusedError):
        slow.publish(0)


def test_who_claims_after_another_published_writes_nothing(setting: Setting) -> None:
    slow, fast = setting.begun("slow"), setting.begun("fast")
    fast.publish(0)
    with pytest.raises(PublishRefusedError):
        slow.mark_dirty()


def test_nothing_is_acknowledged_while_another_may_still_write(setting: Setting) -> None:
    setting.begun("paused", seconds=300).mark_dirty()
    other = setting.begun("other")
    other.mark_dirty()
    with pytest.raises(UnsettledError, match="until 00:06:00 UTC"):
        other.publish(1)
    setting.clock.advance(359)
    with pytest.raises(UnsettledError):
        setting.begin(other).publish(None)
    setting.clock.advance(1)
    assert setting.begin(other).publish(None).version == 3


def test_the_paused_ones_publish_is_refused_whatever_the_other_did(setting: Setting) -> None:
    paused = setting.begun("paused")
    paused.mark_dirty()
    with pytest.raises(UnsettledError):
        setting.begun("other").publish(None)
    with pytest.raises(PublishRefusedError):
        paused.publish(1)


def test_a_failed_cycle_of_ones_own_is_over(setting: Setting) -> None:
    target = setting.begun("one")
    target.mark_dirty()
    target.discard()
    setting.begin(target).mark_dirty()
    assert target.publish(1).version == 1


def test_a_write_that_got_no_answer_may_still_be_carried_out(setting: Setting) -> None:
    target = setting.begun("one")
    target.mark_dirty()
    setting.index.unanswered = True
    target.discard()
    setting.index.unanswered = False
    setting.begin(target).mark_dirty()
    with pytest.raises(UnsettledError):
        target.publish(1)
    setting.clock.advance(120)
    assert setting.begin(target).publish(None).version == 2


def test_another_collection_than_the_published_one_is_refused(setting: Setting) -> None:
    setting.begun("one").publish(0)
    setting.index.collection_id = UUID(int=2)
    with pytest.raises(SnapshotDamagedError, match="is not the one that version 1"):
        setting.begun("two")


def test_before_the_first_publish_any_collection_will_do(setting: Setting) -> None:
    setting.begun("one").mark_dirty()
    setting.clock.advance(1_000)
    setting.index.collection_id = UUID(int=2)
    assert setting.begun("two").publish(0).version == 1


def test_a_vanished_manifest_is_an_error_and_no_empty_collection(setting: Setting) -> None:
    target = setting.begun("one")
    target.publish(0)
    setting.store.data = None
    with pytest.raises(SnapshotDamagedError, match="the manifest of receipt_lines is gone"):
        target.checkout(Deadline(setting.clock, 60))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{}", "collection_id: Field required"),
        (b"junk", "Invalid JSON"),
        (b'{"format":1,"collection":"receipt_lines","base":{}}', "CHROMA_TARGET=local"),
    ],
)
def test_a_manifest_that_is_no_servers_is_refused(
    setting: Setting, data: bytes, message: str
) -> None:
    setting.store.data = data
    with pytest.raises(SnapshotDamagedError, match=message):
        setting.begun("one")
    assert setting.store.data == data


def test_a_manifest_of_another_collection_or_a_later_format_is_refused(setting: Setting) -> None:
    setting.begun("one").publish(0)
    good = setting.store.data or b""
    setting.store.data = good.replace(b"receipt_lines", b"receipt_words")
    with pytest.raises(SnapshotDamagedError, match="belongs to receipt_words"):
        setting.begun("two")
    setting.store.data = good.replace(b'"format":1', b'"format":2')
    with pytest.raises(SnapshotDamagedError, match="format: Input should be 1"):
        setting.begun("two")
