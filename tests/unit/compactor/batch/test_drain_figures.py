"""The figures that `receipt-sync` shows of a drain."""

from dataclasses import asdict

from compactor.batch.drain import drain
from tests.support.fakes.system import InMemorySystem, line
from tests.unit.compactor.batch.test_drain import InMemoryQueue


def test_a_drain_of_an_empty_queue_has_done_nothing() -> None:
    system = InMemorySystem()
    report = asdict(drain(InMemoryQueue([]), system.worker(), system.deadline(), system.clock))
    assert {name for name, value in report.items() if value} == {"stopped"}


def test_each_kind_of_work_is_counted_once() -> None:
    system = InMemorySystem()
    for number in range(1, 6):
        system.table.put(line(number), text="a")
    worker = system.worker()
    system.handle(worker, system.delta_body([line(1), line(2), line(3)]))
    system.table.put(line(1), text="a", confidence=0.5)
    del system.table.items[line(3)]
    bodies = [
        system.change_body(line(1), "confidence"),
        system.change_body(line(3), event="REMOVE"),
        system.delta_body([line(2), line(4), line(5)]),
        system.delta_body([line(9)]),
        "junk",
    ]
    report = drain(InMemoryQueue(bodies), worker, system.deadline(), system.clock)
    assert (report.batches, report.received, report.done, report.returned) == (1, 5, 5, 0)
    assert (report.parked, report.deleted, report.dropped_vectors) == (1, 1, 1)
    # Line 2 loses the text of its neighbour with its new vector.
    assert (report.updated, report.inserted, report.replaced) == (1, 2, 1)
    assert report.versions == {"receipt_lines": 2}
    assert report.reasons == []
