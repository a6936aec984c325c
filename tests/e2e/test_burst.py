"""Five hundred changes to one line cost a few reads and writes, because only the state counts."""

from random import Random

import pytest

from receipt_index.records import Record
from receipt_ops.loading.items import Entity, embedded, entities_of
from receipt_ops.loading.synthetic import synthetic_receipts
from receipt_ops.readers import snapshot_readers
from receipt_sync.keys import Collection
from tests.e2e.conftest import System
from tests.e2e.metrics import Counted

CHANGES = 500
COUNT, SEED = 3, 5


@pytest.fixture(scope="module")
def line(system: System) -> Entity:
    loaded = system.command("load", "--synthetic", str(COUNT), "--seed", str(SEED))
    assert loaded.code == 0, loaded.stderr
    system.settled()
    (receipt, *_) = synthetic_receipts(COUNT, Random(SEED))
    return next(embedded(e) for e in entities_of(receipt) if e.key.line_id == 2)


def change(system: System, line: Entity, number: int) -> None:
    system.writer.put([Entity(line.key, {**line.fields, "text": f"CHANGE {number}"})])


def spent_on_burst(system: System, line: Entity) -> Counted:
    """Return the compactor's counters between the first change and the settled snapshot."""
    before = system.metrics()
    for number in range(CHANGES):
        change(system, line, number)
    system.settled()
    spent = system.metrics()
    spent.subtract(before)
    return spent


def published_record(system: System, chroma_id: str) -> Record:
    with snapshot_readers(system.connection, [Collection.LINES]) as readers:
        readers[Collection.LINES].refresh()
        return readers[Collection.LINES].get([chroma_id])[chroma_id]


def test_a_burst_of_changes_to_one_line_ends_equal_and_costs_far_less_than_its_number(
    system: System, line: Entity
) -> None:
    spent = spent_on_burst(system, line)
    print(f"{CHANGES} changes: {dict(spent)}")
    record = published_record(system, line.key.chroma_id)
    assert record.metadata["text"] == f"CHANGE {CHANGES - 1}"
    assert record.metadata["embedding_stale"] is True
    assert 0 < spent["TableItemsRead"] < CHANGES / 2
    assert 0 < spent["TableRequests"] < CHANGES / 5
    assert 0 < spent["IndexCalls"] < CHANGES / 5
    assert 0 < spent["MetadataUpdatesApplied"] < CHANGES / 2
