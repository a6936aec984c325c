"""The guard against mass deletions: what it refuses, and whom that holds up (I5)."""

import pytest

from compactor.batch.compaction import Compactor
from compactor.cycle.delete_guard import DeleteGuard, DeleteLedger
from receipt_sync.messages import batch_body
from receipt_sync.telemetry import Metric
from tests.support.fakes.index import InMemoryIndex
from tests.support.fakes.world import World, line, metadata


@pytest.fixture
def world() -> World:
    return World()


def load(world: World, lines: int) -> None:
    keys = [line(number) for number in range(1, lines + 1)]
    world.table.put(metadata(), merchant_name="Cafe")
    for key in keys:
        world.table.put(key, text="a")
    assert world.handle(world.worker(), world.delta_body(keys)).returned == {}


def remove(world: World, *numbers: int) -> list[str]:
    """Delete lines from the table, and return their messages."""
    for number in numbers:
        del world.table.items[line(number)]
    return [world.change_body(line(number), event="REMOVE") for number in numbers]


def careful(world: World) -> Compactor:
    return world.worker(guard=DeleteGuard(share=0.2, floor=4))


def test_innocents_of_a_refused_mass_delete_are_applied_and_only_deletions_return(world: World):
    load(world, 20)
    world.table.items[line(20)]["text"] = "EDITED"
    removals = remove(world, 1, 2, 3, 4, 5, 6)
    bodies = [batch_body(removals), world.change_body(line(20), "text")]
    report = world.handle(careful(world), *bodies)
    assert list(report.returned) == ["0"]
    assert "MAX_DELETE_SHARE" in report.returned["0"]
    assert world.index().records[line(20).chroma_id].metadata["text"] == "EDITED"
    assert len(world.index().records) == 20
    assert world.telemetry.total(Metric.MASS_DELETES_REFUSED) == 1


def test_a_message_of_a_neighbour_is_done_though_the_deletion_beside_it_is_refused(world: World):
    load(world, 20)
    removals = remove(world, 1, 2, 3, 4, 5, 6)
    world.table.items[line(7)]["text"] = "EDITED"
    report = world.handle(careful(world), *removals, world.change_body(line(7), "text"))
    assert set(report.returned) == {"0", "1", "2", "3", "4", "5"}
    assert line(6).chroma_id in world.index().records


def test_a_mass_delete_is_refused_however_its_messages_are_grouped(world: World):
    load(world, 20)
    worker = careful(world)
    removals = remove(world, *range(1, 13))
    refused = [bool(world.handle(worker, body).returned) for body in removals]
    assert refused == [False] * 4 + [True] * 8
    assert len(world.index().records) == 16


def test_what_was_lost_counts_for_an_hour(world: World):
    load(world, 20)
    worker = careful(world)
    first, second = remove(world, 1, 2, 3, 4), remove(world, 15)
    assert world.handle(worker, *first).returned == {}
    assert list(world.handle(worker, *second).returned) == ["0"]
    world.clock.advance(3601)
    assert world.handle(worker, *second).returned == {}


def test_what_comes_as_fast_as_it_goes_is_no_mass_delete():
    ledger = DeleteLedger(DeleteGuard(share=0.1, floor=10))
    for moment in range(100):
        assert ledger.refusal(InMemoryIndex(), 8, float(moment)) is None
        ledger.note(8, 8, float(moment))
    assert ledger.refusal(InMemoryIndex(), 11, 100.0) is not None


def test_what_was_inserted_before_excuses_no_deletion():
    ledger = DeleteLedger(DeleteGuard(share=0.1, floor=10))
    ledger.note(0, 1000, 0.0)
    ledger.note(8, 0, 1.0)
    assert ledger.refusal(InMemoryIndex(), 3, 2.0) is not None


def test_one_worker_that_loaded_a_collection_refuses_its_mass_delete_message_by_message(
    world: World,
):
    worker = careful(world)
    keys = [line(number) for number in range(1, 21)]
    for key in keys:
        world.table.put(key, text="a")
    assert world.handle(worker, world.delta_body(keys)).returned == {}
    refused = [bool(world.handle(worker, body).returned) for body in remove(world, *range(1, 8))]
    assert refused == [False] * 4 + [True] * 3


def test_the_share_is_that_of_what_the_collection_had_before_it_lost_anything():
    class Counted:
        def count(self) -> int:
            return 950

    ledger = DeleteLedger(DeleteGuard(share=0.1, floor=10))
    ledger.note(50, 0, 0.0)
    assert ledger.refusal(Counted(), 50, 1.0) is None
    assert ledger.refusal(Counted(), 51, 1.0) is not None


def test_a_refused_deletion_is_made_once_its_limit_is_raised(world: World):
    load(world, 20)
    removals = remove(world, 1, 2, 3, 4, 5, 6)
    assert len(world.handle(careful(world), *removals).returned) == 6
    raised = world.worker(guard=DeleteGuard(share=0.5, floor=4))
    assert world.handle(raised, *removals).returned == {}
    assert len(world.index().records) == 14
