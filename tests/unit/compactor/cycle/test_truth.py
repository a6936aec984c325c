"""What a cycle reads of a receipt whose merchant changed beside other changes."""

from collections.abc import Collection

import pytest

from compactor.cycle.projection import Item
from receipt_sync.deadline import Deadline
from receipt_sync.keys import EntityKey
from tests.support.fakes.system import InMemorySystem, line, metadata, word


@pytest.mark.parametrize("edited", [line(2), word(2)])
def test_a_text_that_changes_with_the_merchant_of_its_receipt_is_read(edited: EntityKey) -> None:
    """Only a record of which nothing but the merchant is computed needs no item of its own."""
    system = InMemorySystem()
    keys = [line(n) for n in (1, 2, 3)] if edited.word_id is None else [word(n) for n in (1, 2, 3)]
    for key in keys:
        system.table.put(key, text="before")
    system.table.put(metadata(), merchant_name="Cafe")
    worker = system.worker()
    assert system.handle(worker, system.delta_body(keys)).returned == {}

    system.table.put(metadata(), merchant_name="New Cafe")
    system.table.put(edited, text="after")
    bodies = [system.change_body(metadata(), "merchant_name"), system.change_body(edited, "text")]
    assert system.handle(worker, *bodies).returned == {}

    assert edited.collection is not None
    held = system.index(edited.collection).records[edited.chroma_id].metadata
    assert (held["text"], held["merchant_name"]) == ("after", "New Cafe")
    assert system.differences() == []


def test_a_new_merchant_reads_no_item_of_the_records_that_it_reaches() -> None:
    """A merchant may have thousands of records, and their items say nothing about it (I9)."""
    system = InMemorySystem()
    keys = [line(number) for number in range(1, 31)]
    for key in keys:
        system.table.put(key, text="a")
    system.table.put(metadata(), merchant_name="Cafe")
    worker = system.worker()
    system.handle(worker, system.delta_body(keys))
    system.table.put(metadata(), merchant_name="New Cafe")
    read: list[EntityKey] = []
    get = system.table.get

    def noted(keys: Collection[EntityKey], deadline: Deadline) -> dict[EntityKey, Item | None]:
        read.extend(keys)
        return get(keys, deadline)

    system.table.get = noted  # type: ignore[method-assign]
    report = system.handle(worker, system.change_body(metadata(), "merchant_name"))
    assert sum(cycle.updated for cycle in report.cycles) == 30
    assert set(read) == {metadata()}
