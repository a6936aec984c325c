"""What a plan wrote is read back: vectors and deletions all, of many updates an even part."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from compactor.cycle.plan import Plan
from compactor.cycle.readback import UPDATES_READ, read_back
from receipt_index.records import NewVector, Record
from receipt_sync.errors import ReadBackError, WriteIgnoredError
from tests.support.fakes.index import InMemoryIndex

MANY = 4 * UPDATES_READ


class CountingIndex(InMemoryIndex):
    """Remembers what was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def get(self, ids: Sequence[str]) -> dict[str, Record]:
        self.asked += ids
        return super().get(ids)


@pytest.fixture
def index() -> CountingIndex:
    index = CountingIndex()
    index.insert([new(number) for number in range(MANY)])
    return index


def new(number: int) -> NewVector:
    return NewVector(f"id-{number}", np.ones(2, np.float32), "text", {"n": number})


def updates() -> Plan:
    return Plan(update={f"id-{number}": {"n": -number} for number in range(1, MANY)})


def test_a_call_without_effect_is_found_however_many_it_was_for(index: CountingIndex) -> None:
    with pytest.raises(ReadBackError, match="differs from what was written"):
        read_back(index, updates())


def test_of_many_updates_a_part_is_read(index: CountingIndex) -> None:
    plan = updates()
    index.update(plan.update)
    read_back(index, plan)
    assert UPDATES_READ / 2 < len(index.asked) <= UPDATES_READ


def test_of_few_updates_each_is_read(index: CountingIndex) -> None:
    plan = Plan(update={f"id-{number}": {"n": 0} for number in range(UPDATES_READ)})
    index.update({i: values for i, values in plan.update.items() if i != "id-77"})
    with pytest.raises(ReadBackError, match="id-77 "):
        read_back(index, plan)


def test_of_many_vectors_and_deletions_each_is_read(index: CountingIndex) -> None:
    index.delete(["id-234"])
    with pytest.raises(ReadBackError, match="id-234 is not there"):
        read_back(index, Plan(insert=[new(number) for number in range(MANY)]))
    with pytest.raises(ReadBackError, match="id-77 is still there"):
        read_back(index, Plan(delete=["id-234", "id-77"]))


def test_a_vector_that_is_stored_as_nan_is_found() -> None:
    index = InMemoryIndex()
    written = new(1)
    index.insert([replace(written, vector=np.full(2, np.nan, np.float32))])
    with pytest.raises(ReadBackError, match="id-1 has a vector of NaN"):
        read_back(index, Plan(insert=[written]))


def ignored_writes() -> dict[str, Plan]:
    other = replace(new(1), metadata={"n": 7, "delta_id": "b"})
    return {
        "inserted": Plan(insert=[new(MANY)]),
        "updated": Plan(update={"id-1": {"n": 7, "m": 8}}),
        "replaced": Plan(replace=[other]),
        "deleted": Plan(delete=["id-1"]),
    }


@pytest.mark.parametrize(("kind", "plan"), ignored_writes().items(), ids=ignored_writes())
def test_a_write_without_any_effect_is_named_by_its_kind(
    index: CountingIndex, kind: str, plan: Plan
) -> None:
    with pytest.raises(WriteIgnoredError, match="although Chroma confirmed the write") as raised:
        read_back(index, plan)
    assert raised.value.kind == kind


def test_a_write_of_which_a_part_is_there_had_an_effect(index: CountingIndex) -> None:
    index.update({"id-1": {"n": 7}})
    with pytest.raises(ReadBackError, match="id-1 differs from what was written in m") as raised:
        read_back(index, Plan(update={"id-1": {"n": 7, "m": 8}}))
    assert not isinstance(raised.value, WriteIgnoredError)


@pytest.mark.parametrize("scale", [1e-15, 1e15])
def test_directions_are_compared_at_the_ends_of_what_is_taken(scale: float) -> None:
    index = InMemoryIndex()
    index.insert([new(1)])
    read_back(index, Plan(insert=[replace(new(1), vector=np.full(2, scale, np.float32))]))
    turned = np.array([scale, -scale], np.float32)
    with pytest.raises(ReadBackError, match="a vector that differs"):
        read_back(index, Plan(insert=[replace(new(1), vector=turned)]))
