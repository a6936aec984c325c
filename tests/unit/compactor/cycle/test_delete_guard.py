"""The guard against mass deletions: what it refuses, and whom that holds up (I5)."""

import pytest

from compactor.batch.compaction import Compactor
from compactor.cycle.delete_guard import DeleteGuard, DeleteLedger
from receipt_sync.messages import batch_body
from receipt_sync.telemetry import Metric
from tests.support.fakes.index import InMemoryIndex
from tests.support.fakes.system import InMemorySystem, line, metadata


@pytest.fixture
def system() -> InMemorySystem:
    return InMemorySystem()


def load(system: InMemorySystem, lines: int) -> None:
    keys = [line(number) for number in range(1, lines + 1)]
    system.table.put(metadata(), merchant_name="Cafe")
    for key in keys:
        system.table.put(key, text="a")
    assert system.handle(system.worker(), system.delta_body(keys)).returned == {}


def remove(system: InMemorySystem, *numbers: int) -> list[str]:
    """Delete lines from the table, and return their messages."""
    for number in numbers:
        del system.table.items[line(number)]
    return [system.change_body(line(number), event="REMOVE") for number in numbers]


def careful(system: InMemorySystem) -> Compactor:
    return system.worker(guard=DeleteGuard(share=0.2, floor=4))


def test_innocents_of_a_refused_mass_delete_are_applied_and_only_deletions_return(
    system: InMemorySystem,
) -> None:
    load(system, 20)
    system.table.items[line(20)]["text"] = "EDITED"
    removals = remove(system, 1, 2, 3, 4, 5, 6)
    bodies = [batch_body(removals), system.change_body(line(20), "text")]
    report = system.handle(careful(system), *bodies)
    assert list(report.returned) == ["0"]
    assert "MAX_DELETE_SHARE" in report.returned["0"]
    assert system.index().records[line(20).chroma_id].metadata["text"] == "EDITED"
    assert len(system.index().records) == 20
    assert system.telemetry.total(Metric.MASS_DELETES_REFUSED) == 1


def test_a_message_of_a_neighbour_is_done_though_the_deletion_beside_it_is_refused(
    system: InMemorySystem,
) -> None:
    load(system, 20)
    removals = remove(system, 1, 2, 3, 4, 5, 6)
    system.table.items[line(7)]["text"] = "EDITED"
    report = system.handle(careful(system), *removals, system.change_body(line(7), "text"))
    assert set(report.returned) == {"0", "1", "2", "3", "4", "5"}
    assert line(6).chroma_id in system.index().records


def test_a_mass_delete_is_refused_however_its_messages_are_grouped(system: InMemorySystem) -> None:
    load(system, 20)
    worker = careful(system)
    removals = remove(system, *range(1, 13))
    refused = [bool(system.handle(worker, body).returned) for body in removals]
    assert refused == [False] * 4 + [True] * 8
    assert len(system.index().records) == 16


def test_what_was_lost_counts_for_an_hour(system: InMemorySystem) -> None:
    load(system, 20)
    worker = careful(system)
    first, second = remove(system, 1, 2, 3, 4), remove(system, 15)
    assert system.handle(worker, *first).returned == {}
    assert list(system.handle(worker, *second).returned) == ["0"]
    system.clock.advance(3601)
    assert system.handle(worker, *second).returned == {}


def test_what_comes_as_fast_as_it_goes_is_no_mass_delete() -> None:
    ledger = DeleteLedger(DeleteGuard(share=0.1, floor=10))
    for moment in range(100):
        assert ledger.refusal(InMemoryIndex(), 8, float(moment)) is None
        ledger.note(8, 8, float(moment))
    assert ledger.refusal(InMemoryIndex(), 11, 100.0) is not None


def test_what_was_inserted_before_excuses_no_deletion() -> None:
    ledger = DeleteLedger(DeleteGuard(share=0.1, floor=10))
    ledger.note(0, 1000, 0.0)
    ledger.note(8, 0, 1.0)
    assert ledger.refusal(InMemoryIndex(), 3, 2.0) is not None


def test_one_worker_that_loaded_a_collection_refuses_its_mass_delete_message_by_message(
    system: InMemorySystem,
) -> None:
    worker = careful(system)
    keys = [line(number) for number in range(1, 21)]
    for key in keys:
        system.table.put(key, text="a")
    assert system.handle(worker, system.delta_body(keys)).returned == {}
    refused = [bool(system.handle(worker, body).returned) for body in remove(system, *range(1, 8))]
    assert refused == [False] * 4 + [True] * 3


def test_the_share_is_that_of_what_the_collection_had_before_it_lost_anything() -> None:
    class Counted:
        def count(self) -> int:
            return 950

    ledger = DeleteLedger(DeleteGuard(share=0.1, floor=10))
    ledger.note(50, 0, 0.0)
    assert ledger.refusal(Counted(), 50, 1.0) is None
    assert ledger.refusal(Counted(), 51, 1.0) is not None


def test_a_refused_deletion_is_made_once_its_limit_is_raised(system: InMemorySystem) -> None:
    load(system, 20)
    removals = remove(system, 1, 2, 3, 4, 5, 6)
    assert len(system.handle(careful(system), *removals).returned) == 6
    raised = system.worker(guard=DeleteGuard(share=0.5, floor=4))
    assert system.handle(raised, *removals).returned == {}
    assert len(system.index().records) == 14
