"""What a cycle says of itself: the metrics, the log line and the order of its steps."""

import pytest

from receipt_sync.telemetry import Metric
from tests.support.fakes.system import InMemorySystem, line

LINES = [line(number) for number in range(1, 7)]


@pytest.fixture
def system() -> InMemorySystem:
    """A system in which lines 1 to 4 have a vector."""
    system = InMemorySystem()
    for key in LINES:
        system.table.put(key, text=f"text {key.line_id}")
    assert system.handle(system.worker(), system.delta_body(LINES[:4])).returned == {}
    system.telemetry.values.clear()
    system.telemetry.events.clear()
    system.telemetry.steps.clear()
    return system


def test_a_cycle_counts_what_it_did_of_each_kind(system: InMemorySystem) -> None:
    """Line 1 gets a field, line 2 a new vector, line 4 goes, lines 5 and 6 get their first vector.

    Line 3 gets the text of a neighbour that is gone.
    """
    system.table.put(line(1), text="text 1", confidence=0.5)
    del system.table.items[line(4)]
    bodies = [
        system.change_body(line(1), "confidence"),
        system.change_body(line(4), event="REMOVE"),
        system.delta_body([line(2), line(5), line(6)]),
        system.delta_body([line(9)], texts=["of a line that is not in the table"]),
    ]
    report = system.handle(system.worker(), *bodies)
    (cycle,) = report.cycles
    counted = (cycle.updated, cycle.inserted, cycle.replaced, cycle.deleted, cycle.dropped_vectors)
    assert counted == (2, 2, 1, 1, 1)
    total = system.telemetry.total
    assert total(Metric.METADATA_UPDATES_APPLIED) == 2
    assert total(Metric.VECTORS_APPLIED) == 3
    assert total(Metric.RECORDS_DELETED) == 1
    assert total(Metric.VECTORS_DROPPED) == 1
    assert total(Metric.STALE_VECTORS_WRITTEN) == 0
    assert total(Metric.INDEX_CALLS) == 4
    assert total(Metric.BYTES_PUBLISHED) == cycle.uploaded
    assert Metric.BYTES_PUBLISHED in [name for name, _ in system.telemetry.values]
    (published,) = [fields for name, fields in system.telemetry.events if name == "published"]
    assert published["collection"] == "receipt_lines"
    assert (published["updated"], published["inserted"], published["replaced"]) == (2, 2, 1)
    assert (published["deleted"], published["dropped_vectors"], published["left"]) == (1, 1, 0)
    assert (published["withheld"], published["refused"]) == (0, 0)


def test_a_cycle_without_a_difference_writes_nothing_and_counts_nothing(
    system: InMemorySystem,
) -> None:
    system.handle(system.worker(), system.change_body(line(1), "text"))
    assert system.telemetry.total(Metric.INDEX_CALLS) == 0
    assert system.telemetry.total(Metric.METADATA_UPDATES_APPLIED) == 0
    assert "read back" not in system.telemetry.steps


def test_a_record_that_is_written_with_the_vector_of_another_text_is_counted(
    system: InMemorySystem,
) -> None:
    system.table.put(line(1), text="edited")
    report = system.handle(system.worker(), system.change_body(line(1), "text"))
    assert [cycle.stale for cycle in report.cycles] == [1]
    assert system.telemetry.total(Metric.STALE_VECTORS_WRITTEN) == 1


def test_the_steps_of_a_cycle_come_in_the_order_of_the_design(system: InMemorySystem) -> None:
    """The table is read after the checkout, and the publish is the last step (I4)."""
    system.table.put(line(1), text="text 1", confidence=0.5)
    system.handle(system.worker(), system.change_body(line(1), "confidence"))
    steps = [step for step in system.telemetry.steps if step in {*ORDER}]
    assert steps == ORDER


ORDER = ["lease", "checkout", "plan", "read", "compare", "write", "read back", "publish"]
